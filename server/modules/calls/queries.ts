import { type Db, hot, type Tx } from '../../platform/database/database.ts'

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
  actor: string
  request_id: string | null
  closed_at: Date | null
}

export type NewCall = Pick<
  CallRow,
  'id' | 'connection_id' | 'operation' | 'method' | 'path' | 'actor' | 'request_id'
> & { tenant_id: string }

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
}

export type ClosedCall = {
  tenant_id: string
  id: string
  state: Outcome
  status: number | null
  attempts: number
  duration_ms: number
  error: string | null
  last: NewAttempt | null
}

/*
 * The three statements of a call are written for many calls of many tenants at once and commit by themselves: with
 * 64 calls under way a transaction for each would cost several times what the call does. They run as the worker,
 * whose role sees every tenant's calls.
 */
const START = {
  name: 'call_start',
  text: `
    insert into call (tenant_id, id, connection_id, operation, method, path, actor, request_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])`,
}

export async function insertCalls(db: Db, rows: NewCall[]): Promise<void> {
  const column = <K extends keyof NewCall>(key: K) => rows.map((row) => row[key])
  await hot(db, START, [
    column('tenant_id'),
    column('id'),
    column('connection_id'),
    column('operation'),
    column('method'),
    column('path'),
    column('actor'),
    column('request_id'),
  ])
}

/*
 * The texts and bodies of a batch travel as one value with their lengths beside it: as arrays of text and bytea they
 * would be escaped letter by letter here and read back letter by letter there, which cost more than the insert.
 * `to` is where each ends; a length that is null is a text that is null.
 */
const INSERT_ATTEMPTS = (from: number): string => {
  const p = (at: number) => `$${from + at}`
  const part = (n: number) => `substring(${p(8)}::bytea from to_${n} - l${n} + 1 for l${n})`
  return `
    insert into call_attempt (tenant_id, id, call_id, number, outcome, status, duration_ms,
                              request_headers, request_body, response_headers, response_body, error)
    select t, i, c, n, o, s, d, convert_from(${part(1)}, 'UTF8'), ${part(2)}, convert_from(${part(3)}, 'UTF8'), ${part(4)}, e
      from (select a.*, e1 - coalesce(l4, 0) - coalesce(l3, 0) - coalesce(l2, 0) as to_1,
                   e1 - coalesce(l4, 0) - coalesce(l3, 0) as to_2, e1 - coalesce(l4, 0) as to_3, e1 as to_4
              from unnest(${p(0)}::uuid[], ${p(1)}::uuid[], ${p(2)}::uuid[], ${p(3)}::int2[], ${p(4)}::text[], ${p(5)}::int2[],
                          ${p(6)}::int4[], ${p(7)}::text[], ${p(9)}::int4[], ${p(10)}::int4[], ${p(11)}::int4[], ${p(12)}::int4[],
                          ${p(13)}::int4[]) a(t, i, c, n, o, s, d, e, l1, l2, l3, l4, e1)) a`
}

const ATTEMPTS = { name: 'call_attempts', text: INSERT_ATTEMPTS(1) }

export async function insertAttempts(db: Db, rows: NewAttempt[]): Promise<void> {
  await hot(db, ATTEMPTS, attemptColumns(rows))
}

function attemptColumns(rows: NewAttempt[]): unknown[] {
  const column = <K extends keyof NewAttempt>(key: K) => rows.map((row) => row[key])
  const parts = rows.map((row) => [
    Buffer.from(row.request_headers),
    row.request_body,
    row.response_headers === null ? null : Buffer.from(row.response_headers),
    row.response_body,
  ])
  const blob = Buffer.concat(parts.flat().filter((part) => part !== null))
  let end = 0
  const ends = parts.map((four) => (end += four.reduce((sum, part) => sum + (part?.length ?? 0), 0)))
  const lengths = [0, 1, 2, 3].map((at) => parts.map((four) => four[at]?.length ?? null))
  return [
    column('tenant_id'),
    column('id'),
    column('call_id'),
    column('number'),
    column('outcome'),
    column('status'),
    column('duration_ms'),
    column('error'),
    blob,
    ...lengths,
    ends,
  ]
}

// By the whole key alone: a range of ids beside it tempts the planner to the BRIN index, which reads far more.
const CLOSE = {
  name: 'call_close',
  text: `
    with r as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int2[], $5::int2[], $6::int4[], $7::text[])
        r(tenant_id, id, state, status, attempts, duration_ms, error)),
     last as (${INSERT_ATTEMPTS(8)})
    update call c
       set state = r.state, status = r.status, attempts = r.attempts, duration_ms = r.duration_ms, error = r.error,
           closed_at = now()
      from r
     where c.tenant_id = r.tenant_id and c.id = r.id and c.state = 'started'`,
}

export async function closeCalls(db: Db, rows: ClosedCall[]): Promise<void> {
  const column = <K extends keyof ClosedCall>(key: K) => rows.map((row) => row[key])
  await hot(db, CLOSE, [
    column('tenant_id'),
    column('id'),
    column('state'),
    column('status'),
    column('attempts'),
    column('duration_ms'),
    column('error'),
    ...attemptColumns(rows.flatMap(({ last }) => (last ? [last] : []))),
  ])
}

/*
 * Calls that a process took with it. Found by the BRIN index on id, which reads the blocks of that time and no
 * others; a sequential read of a day would touch millions of rows. Safe methods did nothing, so they failed.
 */
const ABANDONED = {
  name: 'call_abandoned',
  text: `
    update call set state = case when method in ('GET', 'HEAD', 'OPTIONS') then 'failed' else 'unknown' end,
           error = 'the server stopped while this call was under way; ask the vendor what became of it', closed_at = now()
     where state = 'started' and id >= v7_floor($1::timestamptz) and id < v7_floor($2::timestamptz)
     returning tenant_id, id, state`,
}

export type Abandoned = { tenant_id: string; id: string; state: Outcome }

export const closeAbandoned = (db: Db, from: Date, to: Date): Promise<Abandoned[]> =>
  hot<Abandoned>(db, ABANDONED, [from, to])

const CALL = [
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
  'actor',
  'request_id',
  'closed_at',
] as const

export type CallFilter = { connection_id?: string; state?: CallState }

export const listCalls = (
  tx: Tx,
  tenant_id: string,
  filter: CallFilter,
  limit: number,
  before: string | null,
): Promise<CallRow[]> =>
  tx
    .selectFrom('call')
    .select(CALL)
    .where('tenant_id', '=', tenant_id)
    .$if(filter.connection_id !== undefined, (query) =>
      query.where('connection_id', '=', filter.connection_id as string),
    )
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as CallState))
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()

export const findCall = (tx: Tx, tenant_id: string, id: string): Promise<CallRow | undefined> =>
  tx
    .selectFrom('call')
    .select(CALL)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export type AttemptRow = Omit<NewAttempt, 'tenant_id' | 'call_id'>

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
