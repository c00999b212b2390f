import Type, { type Static } from 'typebox'
import { MappingRef } from '../../kit/mapping/mapping.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { StepReports } from '../operations/operations.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import { CacheNote } from './cache_schema.ts'
import { DeferredState, RetryLater } from './deferred_schema.ts'
import type { AttemptRow, CallRow } from './queries.ts'

export const Method = Type.Union([
  Type.Literal('GET'),
  Type.Literal('HEAD'),
  Type.Literal('POST'),
  Type.Literal('PUT'),
  Type.Literal('PATCH'),
  Type.Literal('DELETE'),
])
const Text = Type.Record(Type.String(), Type.String())

export const MakeCall = Type.Object(
  {
    operation: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'An operation of the provider, or one stored on the connection',
        examples: ['payments.create'],
      }),
    ),
    input: Type.Optional(
      Type.Unknown({ description: 'What the operation takes; the provider says which fields' }),
    ),
    method: Type.Optional(Method),
    path: Type.Optional(
      Type.String({
        maxLength: 8_000,
        description: 'Below the base URL, beginning with /',
        examples: ['/v1/balance'],
      }),
    ),
    query: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: 'Added to the path, encoded',
      }),
    ),
    headers: Type.Optional(Text),
    body: Type.Optional(
      Type.Unknown({
        description:
          'JSON, written as the provider wants it, each number with the digits it has here; text goes out as it is',
      }),
    ),
    encoding: Type.Optional(
      Type.Union([Type.Literal('json'), Type.Literal('form')], {
        description: "The provider's own where absent",
      }),
    ),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 120_000,
        description: 'For each attempt; 30 s or what the provider says',
      }),
    ),
    deadline_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 300_000,
        description:
          'For the whole call, or each try of one that is made later: waits and all attempts have what is left of it; 5 minutes',
      }),
    ),
    retries: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 5,
        description: 'After the first attempt, where trying again is safe; 3',
      }),
    ),
    on_limit: Type.Optional(
      Type.Union([Type.Literal('refuse'), Type.Literal('wait')], {
        description: 'Where the limit of the connection is reached: 429 at once, or stand in line; refuse',
      }),
    ),
    wait_ms: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 30_000, description: 'How long to stand in line; 30 s' }),
    ),
    skip_cache: Type.Optional(
      Type.Boolean({ description: 'Neither answered from what is kept nor kept; false' }),
    ),
    mode: Type.Optional(
      Type.Union([Type.Literal('sync'), Type.Literal('async')], {
        description: 'async: answered 202 at once, made by a job, told of by an event; sync',
      }),
    ),
    retry_later: Type.Optional(RetryLater),
    mapping: Type.Optional(MappingRef),
    trace: Type.Optional(
      Type.Boolean({
        description:
          'The report shows what each step of the mapping was given and gave, the record too, masked',
      }),
    ),
    idempotency_key: Type.Optional(
      Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$', description: "Passed on in the vendor's own header" }),
    ),
  },
  { additionalProperties: false },
)
export type MakeCall = Static<typeof MakeCall>

const Ended = [
  Type.Literal('succeeded'),
  Type.Literal('refused'),
  Type.Literal('failed'),
  Type.Literal('unknown'),
] as const
export const CallState = Type.Union([Type.Literal('started'), ...Ended], {
  description:
    'refused: the vendor said no (4xx); failed: it could not be reached, or answered 5xx or a redirect, which is not followed; unknown: it may have acted, and nobody saw its answer',
})

const StepsOfCall = Type.Object(
  { in: StepReports, out: StepReports },
  { description: 'What the steps of the mapping came to; with it `result` is what its last step gave' },
)

const Kept = Type.String({
  description: 'As JSON text, masked; its first 16 kB. Where the call asked for it by `trace`',
})
const KeptStep = Type.Object({
  kind: Type.String(),
  ok: Type.Boolean(),
  took_ms: Type.Number(),
  error: Type.Optional(Type.String()),
  input: Type.Optional(Kept),
  output: Type.Optional(Kept),
})
export type KeptStep = Static<typeof KeptStep>

const StepsOnRecord = Type.Object(
  { in: Type.Array(KeptStep), out: Type.Array(KeptStep) },
  { description: 'What the steps of the mapping came to' },
)
export type StepsOnRecord = Static<typeof StepsOnRecord>

const Reference = Nullable(
  Type.String({ description: "The vendor's own id of the call, by which its support finds it" }),
)

export const CallReport = Type.Object({
  id: WireId('call'),
  connection_id: WireId('connection'),
  operation: Nullable(Type.String()),
  state: CallState,
  status: Nullable(Type.Integer({ description: "HTTP status of the vendor's last answer" })),
  headers: Nullable(Text),
  attempts: Type.Integer(),
  duration_ms: Type.Integer(),
  error: Nullable(Type.String({ description: 'What went wrong, in words' })),
  external_reference: Reference,
  turned_away: Nullable(
    Type.Object(
      {
        by: Type.Union(
          (['breaker', 'bulkhead', 'limiter', 'authentication', 'deadline', 'caller'] as const).map((by) =>
            Type.Literal(by),
          ),
        ),
        retry_after_ms: Nullable(Type.Number()),
      },
      { description: 'Which stage kept the last attempt from being sent, and when another may be' },
    ),
  ),
  truncated: Type.Boolean({ description: 'The answer was longer than 10 MB and was cut' }),
  cache: Nullable(CacheNote),
  result: Type.Optional(Type.Unknown({ description: 'What an operation gives back, in our words' })),
  refusal: Type.Optional(Type.Unknown({ description: "The vendor's no, in our words" })),
  steps: Type.Optional(StepsOfCall),
  body_encoding: Nullable(Type.Union([Type.Literal('json'), Type.Literal('text'), Type.Literal('base64')])),
  body: Type.Unknown({
    description: 'The answer: JSON to the digit, text, or base64, as body_encoding says',
  }),
})
export type CallReport = Static<typeof CallReport>

/** The first five are who asked. */
export const CauseKind = Type.Union([
  Type.Literal('api_key'),
  Type.Literal('oauth_client'),
  Type.Literal('member'),
  Type.Literal('portal'),
  Type.Literal('system'),
  Type.Literal('message'),
  Type.Literal('batch'),
  Type.Literal('call'),
  Type.Literal('schedule'),
  Type.Literal('job'),
])

export const Call = Type.Object({
  id: WireId('call'),
  connection_id: WireId('connection'),
  operation: Nullable(Type.String()),
  method: Type.String(),
  path: Type.String({ description: 'With its query, secrets masked' }),
  state: CallState,
  status: Nullable(Type.Integer()),
  attempts: Type.Integer(),
  duration_ms: Nullable(Type.Integer()),
  error: Nullable(Type.String()),
  external_reference: Reference,
  actor: Type.String({ description: 'The key that made it' }),
  request_id: Nullable(Type.String()),
  cause: Type.Object(
    { kind: Nullable(CauseKind), id: Type.String() },
    { description: 'What made it necessary: who asked, or the message, batch, call, schedule or job' },
  ),
  parent_id: Nullable(
    Type.String({ description: 'The call it enriches or is a try of, or the batch it is of' }),
  ),
  created_at: Timestamp,
  closed_at: Nullable(Timestamp),
})

export const toCall = (row: CallRow): Static<typeof Call> => ({
  id: toWire('call', row.id),
  connection_id: toWire('connection', row.connection_id),
  operation: row.operation,
  method: row.method,
  path: row.path,
  state: row.state,
  status: row.status,
  attempts: row.attempts,
  duration_ms: row.duration_ms,
  error: row.error,
  external_reference: row.external_reference,
  actor: row.actor,
  request_id: row.request_id,
  cause: { kind: row.cause_kind as Static<typeof CauseKind> | null, id: row.cause_id ?? row.actor },
  parent_id: row.parent_id,
  created_at: timeOfId(row.id).toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
})

const Attempt = Type.Object({
  id: WireId('attempt'),
  number: Type.Integer(),
  outcome: Type.Union([...Ended]),
  status: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  request_headers: Text,
  request_body: Nullable(Type.String({ description: 'Masked; the first 64 kB' })),
  response_headers: Nullable(Text),
  response_body: Nullable(Type.String({ description: 'Masked; the first 64 kB' })),
  error: Nullable(Type.String()),
  ended_at: Timestamp,
})
/** A call, or one that is made later, with the fields that only it has. */
export const CallWithLog = Type.Object({
  ...Call.properties,
  state: DeferredState,
  log: Type.Array(Attempt),
  steps: Type.Optional(StepsOnRecord),
  batch_id: Type.Optional(Nullable(WireId('batch'))),
  tries: Type.Optional(Type.Integer({ description: 'Of a call that is made later' })),
  next_try_at: Type.Optional(Nullable(Timestamp)),
  call_ids: Type.Optional(Type.Array(WireId('call'), { description: 'The calls its tries were' })),
  report: Type.Optional(Type.Unknown({ description: 'As a call answers it; null until it is over' })),
})

export const toAttempt = (row: AttemptRow): Static<typeof Attempt> => ({
  id: toWire('attempt', row.id),
  number: row.number,
  outcome: row.outcome,
  status: row.status,
  duration_ms: row.duration_ms,
  request_headers: JSON.parse(row.request_headers) as Record<string, string>,
  request_body: row.request_body?.toString() ?? null,
  response_headers: row.response_headers
    ? (JSON.parse(row.response_headers) as Record<string, string>)
    : null,
  response_body: row.response_body?.toString() ?? null,
  error: row.error,
  ended_at: timeOfId(row.id).toISOString(),
})
