import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, Timestamp, WireId } from '../wire.ts'
import type { CheckRow, HealthRow } from './queries.ts'

const Status = Type.Union(
  [Type.Literal('unknown'), Type.Literal('healthy'), Type.Literal('degraded'), Type.Literal('unhealthy')],
  {
    description:
      'degraded after one check that failed or was slow, unhealthy after three in a row, healthy again after two good ones',
  },
)
const EverySeconds = Nullable(
  Type.Integer({
    minimum: 30,
    maximum: 86_400,
    description: 'Seconds between checks, a tenth more or less; null: none',
  }),
)
const Timeout = Type.Integer({ minimum: 100, maximum: 60_000, description: 'Milliseconds' })
const Path = Nullable(
  Type.String({
    minLength: 1,
    maxLength: 2_000,
    pattern: '^/',
    description: "Read by GET; null: the provider's own test",
  }),
)
const Statuses = Nullable(
  Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
    minItems: 1,
    maxItems: 50,
    description: 'What the vendor is to answer; null: any 2xx',
  }),
)

const Answer = Nullable(
  Type.Record(Type.String(), Type.Unknown(), {
    description: 'What its JSON is to say, by the operators of the filter of a subscription; null: anything',
    examples: [{ status: 'UP' }],
  }),
)

const CHECKS = { every_s: EverySeconds, timeout_ms: Timeout, path: Path, statuses: Statuses, answer: Answer }

export const SetChecks = Type.Partial(Type.Object(CHECKS), {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ every_s: 60, timeout_ms: 5000, path: '/status', statuses: [200], answer: { status: 'UP' } }],
})
export type SetChecks = Static<typeof SetChecks>

export const HealthReport = Type.Object({
  connection_id: WireId('connection'),
  status: Status,
  note: Nullable(Type.String({ description: 'What is wrong, in words' })),
  since: Timestamp,
  checks: Type.Object(CHECKS),
})
export type HealthReport = Static<typeof HealthReport>

export const Check = Type.Object({
  id: WireId('health_check'),
  result: Type.Union([Type.Literal('well'), Type.Literal('slow'), Type.Literal('failed')]),
  latency_ms: Type.Integer(),
  note: Nullable(Type.String()),
  call_id: Nullable(WireId('call')),
  checked_at: Timestamp,
})
export const Checks = Page(Check)

export const toHealth = (connection_id: string, row: HealthRow): HealthReport => {
  const { status, note, since, every_s, timeout_ms, path, statuses, answer } = row
  return {
    connection_id,
    status,
    note,
    since: since.toISOString(),
    checks: { every_s, timeout_ms, path, statuses, answer },
  }
}

export const toCheck = ({ id, call_id, ...row }: CheckRow): Static<typeof Check> => ({
  ...row,
  id: toWire('health_check', id),
  call_id: call_id && toWire('call', call_id),
  checked_at: timeOfId(id).toISOString(),
})
