import {
  byteas,
  type Db,
  hot,
  int2s,
  int4s,
  seek,
  type Tx,
  texts,
  uuids,
} from '../../platform/database/database.ts'
import { jobsOf } from '../../platform/jobs/jobs.ts'
import { type ExternalId, foundBy } from '../events/events.ts'
import { TO_SETTLE } from './settle_queries.ts'

/** Every statement on calls and their attempts. */

export type CallState = 'started' | 'succeeded' | 'refused' | 'failed' | 'unknown'
export type Outcome = Exclude<CallState, 'started'>

export type CallRow = {
  id: string
  connection_id: string
  operation: string | null
  method: string
  path: string
  state: CallState
  status: number | null
  attempts: number
  duration_ms: number | null
  error: string | null
  /** The vendor's own id of the last attempt that has one. */
  external_reference: string | null
  actor: string
  request_id: string | null
  /** Null of calls made before there was one. */
  cause_kind: string | null
  /** On the wire; null where it is the actor itself. */
  cause_id: string | null
  /** On the wire, of the call or batch it belongs to. */
  parent_id: string | null
  closed_at: Date | null
}

export type NewCall = Pick<
  CallRow,
  'id' | 'connection_id' | 'operation' | 'method' | 'path' | 'actor' | 'request_id'
> &
  Partial<Pick<CallRow, 'cause_kind' | 'cause_id' | 'parent_id'>> & {
    tenant_id: string
    found?: readonly string[]
  }

export type NewAttempt = {
  tenant_id: string
  id: string
  call_id: string
  number: number
  outcome: Outcome
  status: number | null
  duration_ms: number
  request_headers: string
  request_body: Buffer | null
  response_headers: string | null
  response_body: Buffer | null
  error: string | null
  /** By what its call is found beside what the request holds. */
  found?: readonly string[]
}

export type ClosedCall = {
  tenant_id: string
  id: string
  state: Outcome
  status: number | null
  attempts: number
  duration_ms: number
  error: string | null
  external_reference: string | null
  /** The job that tells of it by an event, where its connection asks for that. */
  told?: { id: string; data: Record<string, unknown> } | null
}

/** The kind of job that tells of a call; its payload is the data of the event. */
export const TELL = 'calls.tell'

/** What of a moment goes to the database together, of many calls and tenants. */
export type Written = {
  starts: NewCall[]
  attempts: NewAttempt[]
  closes: ClosedCall[]
  external_ids: ExternalId[]
}

/*
 * Calls are written for many tenants at once and commit by themselves: with 64 calls under way a transaction for each
 * would cost several times what the call does. They run as the worker, whose role sees every tenant's calls. Starts,
 * attempts and closes share one statement, and so one commit. The update goes by the whole key alone: a range of ids
 * beside it tempts the planner to the BRIN index, which reads far more. 30 µs a call of 1 kB, where three statements
 * and an index on the state took 70 to 100.
 */
const INSERT_CALLS = `
    insert into call (tenant_id, id, connection_id, operation, method, path, actor, request_id, cause_kind, cause_id, parent_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::text[])`

const START = { name: 'call_start', text: INSERT_CALLS }
const START_FOUND = { name: 'call_start_found', text: `with named as (${foundBy(12)}) ${INSERT_CALLS}` }

const ALL = `started as (${INSERT_CALLS}),
    attempted as (
      insert into call_attempt (tenant_id, id, call_id, number, outcome, status, duration_ms,
                                request_headers, request_body, response_headers, response_body, error)
      select * from unnest($12::uuid[], $13::uuid[], $14::uuid[], $15::int2[], $16::text[], $17::int2[], $18::int4[],
                           $19::text[], $20::bytea[], $21::text[], $22::bytea[], $23::text[])),
    closed as (
    update call c
       set state = r.state, status = r.status, attempts = r.attempts, duration_ms = r.duration_ms, error = r.error,
           external_reference = r.external_reference, trouble = nullif(r.state, 'succeeded'), closed_at = now(),
           trouble_status = case when r.state <> 'succeeded' then r.status end,
           trouble_class = case when r.state <> 'succeeded' then r.status / 100 end
      from unnest($24::uuid[], $25::uuid[], $26::text[], $27::int2[], $28::int2[], $29::int4[], $30::text[],
                  $31::text[]) r(tenant_id, id, state, status, attempts, duration_ms, error, external_reference)
     where ${seek('c.tenant_id', 'r.tenant_id')} and c.id = r.id and c.state = 'started'
    returning c.tenant_id, c.id, c.state)`

const NAMED = `named as (${foundBy(32)}),`
/** Of those that were open until now: one that was found left open has been told of. */
const TOLD = (from: number): string => {
  const rows = `unnest($${from}::uuid[], $${from + 1}::uuid[], $${from + 2}::uuid[], $${from + 3}::text[]) r(tenant_id, call_id, id, text)
      join closed on (closed.tenant_id, closed.id) = (r.tenant_id, r.call_id)`
  return `told as (${jobsOf(TELL, `(select r.tenant_id, r.id, text::jsonb as payload from ${rows}) r`)})`
}

const WRITE = { name: 'call_write', text: `with ${ALL} ${TO_SETTLE}` }
const WRITE_FOUND = { name: 'call_write_found', text: `with ${NAMED} ${ALL} ${TO_SETTLE}` }
const WRITE_TOLD = { name: 'call_write_told', text: `with ${ALL}, ${TOLD(32)} ${TO_SETTLE}` }
const WRITE_FOUND_TOLD = {
  name: 'call_write_found_told',
  text: `with ${NAMED} ${ALL}, ${TOLD(36)} ${TO_SETTLE}`,
}

/** Most calls hold nothing to be found by, and are not told of; their statements know nothing of either. */
export async function writeCalls(db: Db, written: Written): Promise<void> {
  const { starts, attempts, closes, external_ids } = written
  const is_found = external_ids.length > 0
  const found = is_found ? foundColumns(external_ids) : []
  const told = closes.filter((close) => close.told)
  if (attempts.length + closes.length > 0 || (is_found && starts.length === 0)) {
    const values = [...startColumns(starts), ...attemptColumns(attempts), ...closeColumns(closes), ...found]
    if (told.length === 0) await hot(db, is_found ? WRITE_FOUND : WRITE, values)
    else await hot(db, is_found ? WRITE_FOUND_TOLD : WRITE_TOLD, [...values, ...toldColumns(told)])
  } else if (starts.length > 0) {
    await hot(db, is_found ? START_FOUND : START, [...startColumns(starts), ...found])
  }
}

const startColumns = (rows: NewCall[]): Buffer[] => [
  uuids(rows.map((row) => row.tenant_id)),
  uuids(rows.map((row) => row.id)),
  uuids(rows.map((row) => row.connection_id)),
  texts(rows.map((row) => row.operation)),
  texts(rows.map((row) => row.method)),
  texts(rows.map((row) => row.path)),
  texts(rows.map((row) => row.actor)),
  texts(rows.map((row) => row.request_id)),
  texts(rows.map((row) => row.cause_kind ?? null)),
  texts(rows.map((row) => row.cause_id ?? null)),
  texts(rows.map((row) => row.parent_id ?? null)),
]

const attemptColumns = (rows: NewAttempt[]): Buffer[] => [
  uuids(rows.map((row) => row.tenant_id)),
  uuids(rows.map((row) => row.id)),
  uuids(rows.map((row) => row.call_id)),
  int2s(rows.map((row) => row.number)),
  texts(rows.map((row) => row.outcome)),
  int2s(rows.map((row) => row.status)),
  int4s(rows.map((row) => row.duration_ms)),
  texts(rows.map((row) => row.request_headers)),
  byteas(rows.map((row) => row.request_body)),
  texts(rows.map((row) => row.response_headers)),
  byteas(rows.map((row) => row.response_body)),
  texts(rows.map((row) => row.error)),
]

const closeColumns = (rows: ClosedCall[]): Buffer[] => [
  uuids(rows.map((row) => row.tenant_id)),
  uuids(rows.map((row) => row.id)),
  texts(rows.map((row) => row.state)),
  int2s(rows.map((row) => row.status)),
  int2s(rows.map((row) => row.attempts)),
  int4s(rows.map((row) => row.duration_ms)),
  texts(rows.map((row) => row.error)),
  texts(rows.map((row) => row.external_reference)),
]

const toldColumns = (rows: ClosedCall[]): Buffer[] => [
  uuids(rows.map((row) => row.tenant_id)),
  uuids(rows.map((row) => row.id)),
  uuids(rows.map((row) => row.told?.id ?? row.id)),
  texts(rows.map((row) => JSON.stringify(row.told?.data))),
]

const foundColumns = (rows: ExternalId[]): Buffer[] => [
  uuids(rows.map((row) => row.tenant_id)),
  byteas(rows.map((row) => row.value_hmac)),
  texts(rows.map((row) => row.kind)),
  uuids(rows.map((row) => row.ref_id)),
]

export type SettledCall = {
  tenant_id: string
  id: string
  state: Outcome
  status: number | null
  error: string
}

const statusOfTrouble = (status: number | null) => ({
  trouble_status: status,
  trouble_class: status && Math.floor(status / 100),
})

export async function settleCall(
  tx: Tx,
  { tenant_id, id, state, status, error }: SettledCall,
): Promise<void> {
  const trouble = state === 'refused' || state === 'failed' ? state : null
  await tx
    .updateTable('call')
    .set({ state, trouble, status, error, ...statusOfTrouble(trouble === null ? null : status) })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'unknown')
    .execute()
}

export const CALL = [
  'id',
  'connection_id',
  'operation',
  'method',
  'path',
  'state',
  'status',
  'attempts',
  'duration_ms',
  'error',
  'external_reference',
  'actor',
  'request_id',
  'cause_kind',
  'cause_id',
  'parent_id',
  'closed_at',
] as const

export const findCall = (tx: Tx, tenant_id: string, id: string): Promise<CallRow | undefined> =>
  tx
    .selectFrom('call')
    .select(CALL)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export type AttemptRow = Omit<NewAttempt, 'tenant_id' | 'call_id' | 'found'>

/** An attempt is never older than its call, which leaves earlier partitions out. */
export const listAttempts = (tx: Tx, tenant_id: string, call_id: string): Promise<AttemptRow[]> =>
  tx
    .selectFrom('call_attempt')
    .select([
      'id',
      'number',
      'outcome',
      'status',
      'duration_ms',
      'request_headers',
      'request_body',
      'response_headers',
      'response_body',
      'error',
    ])
    .where('tenant_id', '=', tenant_id)
    .where('call_id', '=', call_id)
    .where('id', '>', call_id)
    .orderBy('id')
    .execute()
