import Type, { type Static } from 'typebox'
import { CacheRules } from '../../kit/cache.ts'
import { MappingRef, Steps, scalarText } from '../../kit/mapping/mapping.ts'
import { toWire } from '../../platform/ids.ts'
import { Rates } from '../connections/connections.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { OperationRow } from './queries.ts'

const exact = { additionalProperties: false } as const

const Name = Type.String({
  pattern: '^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$',
  minLength: 1,
  maxLength: 100,
  description: 'Words of small letters, digits and `_`, with dots between; not a name of the provider',
  examples: ['members.add'],
})

const Method = Type.Union(
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => Type.Literal(method)),
)
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

/** What a stored operation is, beside its name and state. Texts with `{{path}}` are templates over the input. */
export const definition = {
  description: Type.Optional(Type.String({ maxLength: 500 })),
  method: Type.Unsafe<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'>(Method),
  path: Type.String({
    pattern: '^/',
    maxLength: 2_000,
    description: 'Below the base URL; `{name}` stands for a value of the input, encoded',
    examples: ['/3.0/lists/{list_id}/members'],
  }),
  query: Type.Optional(Type.Record(Type.String(), Scalar, { maxProperties: 100 })),
  headers: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: 50 })),
  body: Type.Optional(
    Type.Unknown({ description: 'A template; without it the input is the body of POST, PUT and PATCH' }),
  ),
  encoding: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('form')])),
  input_schema: Type.Optional(
    Type.Object({}, { description: 'JSON Schema (2020-12) that the input of a call has to fit' }),
  ),
  mapping: Type.Optional(MappingRef),
  cache: Type.Optional(CacheRules),
  rates: Type.Optional(Rates(1, 'Of this operation, beside those of its connection')),
  timeout_ms: Type.Optional(
    Type.Integer({ minimum: 100, maximum: 120_000, description: 'For each attempt' }),
  ),
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 5 })),
  on_limit: Type.Optional(Type.Union([Type.Literal('refuse'), Type.Literal('wait')])),
  wait_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: 30_000 })),
}
const Definition = Type.Object(definition, exact)
export type Definition = Static<typeof Definition>

const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])

export const CreateOperation = Type.Object(
  { name: Name, state: Type.Optional(State), ...definition },
  { ...exact, examples: [{ name: 'members.list', method: 'GET', path: '/3.0/lists/{list_id}/members' }] },
)
export type CreateOperation = Static<typeof CreateOperation>

export const ReplaceOperation = Type.Object(
  { state: Type.Optional(State), ...definition },
  { ...exact, examples: [{ method: 'GET', path: '/3.0/lists/{list_id}/members' }] },
)
export type ReplaceOperation = Static<typeof ReplaceOperation>

export const OperationParams = Type.Object({ id: Type.String(), operation: Type.String() }, exact)

export const OperationQuery = Type.Object({ connection_id: Type.Optional(Type.String()) }, exact)
export type OperationQuery = Static<typeof OperationQuery>

export const StoredOperation = Type.Object({
  connection_id: WireId('connection'),
  name: Type.String(),
  state: State,
  version: Type.Integer(),
  ...definition,
  created_at: Timestamp,
  updated_at: Timestamp,
})

export const StoredOperations = Type.Object({ data: Type.Array(StoredOperation) })

/** What a connection can be asked by name: the provider's own operations, and the stored ones. */
export const ConnectionOperations = Type.Object({
  data: Type.Array(
    Type.Object({
      name: Type.String(),
      from: Type.Union([Type.Literal('provider'), Type.Literal('stored')]),
      state: State,
      description: Nullable(Type.String()),
      input_schema: Nullable(Type.Object({}, { additionalProperties: true })),
    }),
  ),
})

export const toDefinition = ({ method, path, more }: OperationRow): Definition => ({ method, path, ...more })

export const toStored = (row: OperationRow) => ({
  connection_id: toWire('connection', row.connection_id),
  name: row.name,
  state: row.state,
  version: row.version,
  ...toDefinition(row),
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const PreviewMapping = Type.Object(
  {
    steps: Steps,
    input: Type.Unknown({ description: 'What the first step is given' }),
    direction: Type.Optional(
      Type.Union([Type.Literal('in'), Type.Literal('out')], { description: 'Of `map` steps; out' }),
    ),
    answers: Type.Optional(
      Type.Array(Type.Unknown(), {
        maxItems: 30,
        description: 'What the `enrich` steps are answered, in their order; none is asked for here',
      }),
    ),
    trace: Type.Optional(Type.Boolean({ description: 'With the input and output of each step' })),
  },
  {
    ...exact,
    examples: [
      {
        steps: [{ kind: 'map', fields: { 'merge_fields.FNAME': 'first_name' } }],
        input: { merge_fields: { FNAME: 'Ana' } },
      },
    ],
  },
)
export type PreviewMapping = Static<typeof PreviewMapping>

export const StepReports = Type.Array(
  Type.Object({
    kind: Type.String(),
    ok: Type.Boolean(),
    took_ms: Type.Number(),
    error: Type.Optional(Type.String()),
    input: Type.Optional(Type.Unknown()),
    output: Type.Optional(Type.Unknown()),
  }),
)

export const PreviewReport = Type.Object({
  ok: Type.Boolean(),
  output: Type.Unknown({ description: 'What the last step gave; null where one failed' }),
  steps: StepReports,
  errors: Type.Array(
    Type.Object(
      { step: Type.Integer(), field: Type.String(), reason: Type.String() },
      {
        description: 'Of the step that failed, counted from 0',
      },
    ),
  ),
})

/** Text, number or truth value as it stands in a URL or header; null where it is none of them. */
export const spelled = scalarText
