import Type, { type Static } from 'typebox'
import { MappingRef } from '../../kit/mapping/mapping.ts'
import type { manifest } from '../../kit/provider.ts'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Page, Timestamp, WireId } from '../wire.ts'
import type { ConnectionRow } from './queries.ts'

const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Stripe of the shop'] })
const ProviderId = Type.String({ minLength: 1, maxLength: 32, examples: ['stripe'] })
const Environment = Type.Union(
  [Type.Literal('development'), Type.Literal('staging'), Type.Literal('production')],
  { description: 'A test key uses development and staging, a live key production' },
)
const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])
const Settings = Type.Record(Type.String(), Type.Unknown(), {
  description: "The provider's fields that are no secrets, as `GET /v1/providers/{id}` lists them",
  examples: [{ base_url: 'https://api.example.com/v1' }],
})
const Credentials = Type.Record(Type.String(), Type.Unknown(), {
  description:
    "The provider's secret fields. Kept sealed and never returned; given again, they replace all before",
  examples: [{ secret_key: 'sk_test_…' }],
})

const Count = (maximum: number, description: string) => Type.Integer({ minimum: 1, maximum, description })
const BreakerLimits = Type.Partial(
  Type.Object({
    failures: Count(1000, 'In a row, until it opens; 5'),
    open_s: Count(86_400, 'Until a first call is let through again; 60'),
    successes: Count(100, 'Of calls let through while half open, until it closes; 3'),
    probes: Count(100, 'Let through at once while half open, of all servers together; 1'),
  }),
  { additionalProperties: false },
)
const RetryBudget = Type.Partial(
  Type.Object({
    percent: Type.Integer({ minimum: 0, maximum: 100, description: 'Of the calls of the last minute; 20' }),
    at_least: Type.Integer({ minimum: 0, maximum: 10_000, description: 'So many a minute in any case; 10' }),
  }),
  { additionalProperties: false },
)
const Rate = Type.Object(
  {
    calls: Type.Optional(Count(10_000_000, 'Never more calls in any period of this length')),
    bytes: Type.Optional(
      Count(1e15, 'Bodies, there and back; counted once they are known, and the next call is refused'),
    ),
    per_s: Count(2_678_400, 'Length of the period in seconds'),
  },
  { additionalProperties: false },
)
export const Rates = (minItems: number, description: string) =>
  Type.Array(Rate, { minItems, maxItems: 5, description, examples: [[{ calls: 600, per_s: 60 }]] })
const Limits = Type.Partial(
  Type.Object({
    rates: Rates(1, "The provider's where absent, else 60 a minute and 1,000 an hour"),
    operations: Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Rates(1, 'Beside those above'), {
      maxProperties: 50,
      description: 'Limits of single operations, by name',
    }),
    concurrency: Count(10_000, 'Calls under way at once, in each process; 64'),
    queue: Type.Integer({
      minimum: 0,
      maximum: 100_000,
      description: 'Calls that may stand in line for that; 256',
    }),
    breaker: Type.Union([BreakerLimits, Type.Literal(false)], { description: 'false switches it off' }),
    retry_budget: Type.Union([RetryBudget, Type.Literal(false)], {
      description: 'How many calls are tried again, in each process; false switches it off',
    }),
    retries: Type.Integer({
      minimum: 0,
      maximum: 5,
      description: 'After the first attempt, unless the call or its operation says otherwise; 3',
    }),
    backoff_ms: Type.Integer({
      minimum: 10,
      maximum: 30_000,
      description: 'The longest wait before the first retry; each further one twice as long; 1 s',
    }),
    timeout_ms: Type.Integer({
      minimum: 100,
      maximum: 120_000,
      description:
        'For each attempt, unless the call or its operation says otherwise; what the provider says',
    }),
  }),
  {
    additionalProperties: false,
    description: 'How much of the vendor its calls may take; given again, it replaces all before',
    examples: [{ rates: [{ calls: 600, per_s: 60 }], breaker: { failures: 10 } }],
  },
)

const KeepBodies = Nullable(
  Type.Object(
    {
      until_days: Type.Integer({
        minimum: 1,
        maximum: 400,
        description: 'Then they are deleted, and no later than the records of the calls',
      }),
    },
    {
      additionalProperties: false,
      description: 'What its attempts send and are answered is kept whole, sealed; null: it is not',
    },
  ),
)

const CallEvents = Type.Union([Type.Literal('none'), Type.Literal('failures'), Type.Literal('all')], {
  description:
    'Of which of its calls `call.completed` and `call.failed` tell; deferred ones are told of in any case. none, unless said',
})

const Description = Type.String({ maxLength: 500, description: 'What it is for' })

export const CreateConnection = Type.Object(
  {
    provider: ProviderId,
    name: Name,
    description: Type.Optional(Description),
    environment: Environment,
    settings: Type.Optional(Settings),
    limits: Type.Optional(Limits),
    mapping: Type.Optional(MappingRef),
    keep_bodies: Type.Optional(KeepBodies),
    call_events: Type.Optional(CallEvents),
    credentials: Type.Optional(Credentials),
  },
  { additionalProperties: false },
)
export type CreateConnection = Static<typeof CreateConnection>

export const UpdateConnection = Type.Partial(
  Type.Object({
    name: Name,
    description: Nullable(Description),
    environment: Environment,
    state: State,
    settings: Settings,
    limits: Limits,
    mapping: MappingRef,
    keep_bodies: KeepBodies,
    call_events: CallEvents,
    credentials: Credentials,
  }),
  { additionalProperties: false, minProperties: 1 },
)
export type UpdateConnection = Static<typeof UpdateConnection>

export const Connection = Type.Object({
  id: WireId('connection'),
  provider: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  environment: Environment,
  state: State,
  settings: Settings,
  api_version: Nullable(
    Type.String({ description: "Of the vendor's API, as pinned; null where it has none" }),
  ),
  limits: Limits,
  mapping: MappingRef,
  keep_bodies: KeepBodies,
  call_events: CallEvents,
  health: Type.Union(
    [Type.Literal('unknown'), Type.Literal('healthy'), Type.Literal('degraded'), Type.Literal('unhealthy')],
    {
      description: 'How the last call or test went; unknown since a change',
    },
  ),
  health_note: Nullable(Type.String({ description: 'What is wrong, in words' })),
  last_seen: Nullable(Timestamp),
  created_by: Nullable(Type.String({ description: 'The key or person that made it' })),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const ConnectionWithCredentials = Type.Intersect([
  Connection,
  Type.Object({
    credentials: Type.Array(Type.String(), {
      description: 'Which credential fields are set',
      examples: [['secret_key']],
    }),
    credentials_set_at: Nullable(
      Type.String({
        format: 'date-time',
        description: 'When they were last given; null where there are none',
      }),
    ),
  }),
])
/** What trying a connection found. */
export const TestReport = Type.Object({
  ok: Type.Boolean(),
  message: Type.String({ description: 'What was found, in words' }),
  call_id: WireId('call'),
  status: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  diagnosis: Type.Array(
    Type.Object({
      step: Type.Union([
        Type.Literal('name'),
        Type.Literal('reach'),
        Type.Literal('certificate'),
        Type.Literal('credentials'),
        Type.Literal('permission'),
        Type.Literal('clock'),
      ]),
      ok: Type.Boolean(),
      detail: Type.String(),
    }),
    {
      description:
        "Step by step from the names of the vendor's servers to the clocks of both sides, with what to do; name, reach and certificate of each server",
    },
  ),
})

export const CreateQuery = Type.Object(
  {
    test: Type.Optional(
      Type.Literal('true', { description: 'It is tried at once, as `POST /v1/connections/{id}/test` does' }),
    ),
  },
  { additionalProperties: false },
)

export const CreatedConnection = Type.Intersect([
  ConnectionWithCredentials,
  Type.Object({
    test: Type.Optional(
      Type.Union([TestReport, Type.Null()], {
        description:
          'Where it was asked for; the connection is made however it went. null: it could not be tried',
      }),
    ),
  }),
])

export const Connections = Page(ConnectionWithCredentials)

export const toConnection = (row: ConnectionRow): Static<typeof Connection> => ({
  id: toWire('connection', row.id),
  provider: row.provider,
  name: row.name,
  description: row.description,
  environment: row.environment,
  state: row.state,
  settings: row.settings,
  api_version: versionIn(row.settings),
  limits: row.limits,
  mapping: row.mapping,
  keep_bodies: row.keep_bodies_days === null ? null : { until_days: row.keep_bodies_days },
  call_events: row.call_events,
  health: row.health,
  health_note: row.health_note,
  last_seen: row.last_seen?.toISOString() ?? null,
  created_by: row.created_by,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

const versionIn = ({ api_version }: ConnectionRow['settings']): string | null =>
  typeof api_version === 'string' ? api_version : null

export const withCredentials = (row: ConnectionRow, fields: readonly string[], set_at: Date | null) => ({
  ...toConnection(row),
  credentials: [...fields].sort(),
  credentials_set_at: set_at?.toISOString() ?? null,
})

/** A provider's manifest: all of it but its functions. */
export const Provider = Type.Unsafe<ReturnType<typeof manifest>>(
  Type.Object(
    {
      id: Type.String(),
      name: Type.String(),
      category: Type.String(),
      docs: Type.String({ description: "The vendor's documentation" }),
      fields: Type.Array(Type.Unknown(), {
        description: 'Settings and, where `secret`, credentials of a connection',
      }),
      auth: Type.String(),
      operations: Type.Array(Type.Object({ operation: Type.String(), input: Type.Unknown() })),
      webhooks: Nullable(Type.Unknown()),
    },
    { additionalProperties: true },
  ),
)
export const Providers = Type.Object({ data: Type.Array(Provider) })
export const ProviderParams = Type.Object({ id: Type.String() }, { additionalProperties: false })
