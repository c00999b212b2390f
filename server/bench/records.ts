import { drainCalls, listCalls, makeCall, readCall } from '../modules/calls/calls.ts'
import { createConnection } from '../modules/connections/connections.ts'
import { search } from '../modules/events/events.ts'
import { inTenant, makePartitions } from '../platform/database/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import type { ReceiveOrder } from './receiver.ts'
import { printTable, rounded } from './report.ts'

/**
 * What is asked of the records of calls, by the verbs themselves, with a log of this many calls and attempts of one
 * tenant in ten days; and whether writing one more call touches more blocks in it than in an empty log.
 */
const ROWS = 1_000_000
export const DAYS = 10
const TIMES = 60
const MOST_P95_MS = 100
const CPF = '529.982.247-25'
export const DAY_MS = 86_400_000

export async function records({ rows = ROWS }: { rows?: number }): Promise<void> {
  const place = await openPlace()
  try {
    const ground = await openGround(place)
    const empty = await blocksOfCall(ground)
    await fill(ground, rows)
    const full = await blocksOfCall(ground)
    const times = await ask(ground)
    printTable([
      ['asked', 'p50 ms', 'p95 ms'],
      ...times.map(({ name, p50, p95 }) => [name, p50.toFixed(1), p95.toFixed(1)]),
      ['blocks that writing a call touches', `${empty} in an empty log`, `${full} in a full one`],
    ])
    const worst = Math.max(...times.map(({ p95 }) => p95))
    console.log(
      JSON.stringify({
        bench: 'records',
        unit: 'ms',
        rows,
        ours: rounded(worst),
        claimed: { p95_ms: MOST_P95_MS },
        ok: worst <= MOST_P95_MS && full <= empty,
        blocks: { empty, full },
        each: Object.fromEntries(
          times.map(({ name, p50, p95 }) => [name, { p50: rounded(p50), p95: rounded(p95) }]),
        ),
      }),
    )
  } finally {
    await place.close()
  }
}

export type Ground = Awaited<ReturnType<typeof openGround>>

/** A tenant with a connection to a vendor, and partitions for the days that are filled. */
export async function openGround(place: Place) {
  const { app, root } = place
  await root.query('create extension if not exists pg_stat_statements')
  await makePartitions(app.db.owner, new Date(Date.now() - DAYS * DAY_MS), DAYS)
  const receiver = await place.program('./receiver.ts')
  const actor = await makeTenant(app, 'Bench')
  const { id: connection } = await createConnection(app, actor, {
    provider: 'http',
    name: 'Bench',
    environment: 'development',
    settings: { base_url: `http://127.0.0.1:${receiver.ready}` },
    limits: { rates: [{ calls: 10_000_000, per_s: 60 }] },
  })
  return { app, root, receiver, actor, connection }
}

/** So many before the first are counted, that the indexes of today have as many levels as they have all day. */
const FIRST = 1_000
const COUNTED = 60

/** By the statements that start and end a call, as PostgreSQL itself counts, one call at a time. */
async function blocksOfCall({ app, root, receiver, actor, connection }: Ground): Promise<number> {
  const order: ReceiveOrder = { warm: 0, most: FIRST + COUNTED, within_ms: 60_000 }
  const received = receiver.ask(order)
  const one = () => makeCall(app, actor, connection, { method: 'POST', path: '/', body: {} })
  await Promise.all(Array.from({ length: 20 }, () => repeat(FIRST / 20, one)))
  await root.query('vacuum analyze') // as autovacuum does; plans are made by what it learns
  const touched: number[] = []
  await repeat(COUNTED, async () => {
    await drainCalls(app)
    const before = await blocks(root)
    await one()
    await drainCalls(app)
    touched.push((await blocks(root)) - before)
  })
  await received
  return Math.min(...touched) // a page that is just full has another made, whatever the size of the log
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let at = 0; at < times; at++) await work()
}

async function blocks(root: Place['root']): Promise<number> {
  const { rows } = await root.query<{ n: string }>(
    `select coalesce(sum(shared_blks_hit + shared_blks_read), 0) as n from pg_stat_statements where query like '%insert into call (%'`,
  )
  return Number(rows[0]?.n)
}

/** The days before today: a fifth of the calls went wrong, and every value leads to five of them. */
export async function fill({ app, root, actor, connection }: Ground, rows: number): Promise<void> {
  const { tenant_id } = actor
  const of_a_day = Math.ceil(rows / DAYS)
  const hash = await inTenant(app.db, tenant_id, (tx) => app.vault.blindIndex(tx, tenant_id, CPF))
  for (let day = DAYS; day >= 1; day--) {
    const midnight = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - day * DAY_MS)
    await root.query(CALLS, [midnight, of_a_day, tenant_id, fromWire('connection', connection)])
    const bounds = [midnight, new Date(midnight.getTime() + DAY_MS)]
    await root.query(ATTEMPTS, bounds)
    await root.query(FOUND, [...bounds, hash])
  }
}

export const idAt = (time: string) =>
  `(left(v7_floor(${time})::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid`

const CALLS = `
  insert into call (tenant_id, id, connection_id, operation, method, path, state, status, attempts, duration_ms,
                    actor, closed_at, trouble, trouble_status, trouble_class)
  select $3, ${idAt("$1::timestamptz + i * (interval '1 day' / $2)")},
         case when i % 20 = 0 then $4::uuid else md5((i % 19)::text)::uuid end,
         case when i % 3 = 0 then 'payments.create' end, (array['GET', 'POST', 'POST', 'PUT'])[1 + i % 4], '/v1/things/' || i,
         state, status, 1, 42, 'key_bench', now(), nullif(state, 'succeeded'),
         case when state <> 'succeeded' then status end, case when state <> 'succeeded' then status / 100 end
    from generate_series(1, $2::int) i
   cross join lateral (select (array[200, 201, 200, 404, 200, 429, 200, 201, 200, case when i % 1000 = 9 then 503 else 200 end])[1 + i % 10]) s(status)
   cross join lateral (select case when status < 300 then 'succeeded' when status < 500 then 'refused' else 'failed' end) t(state)`

const ATTEMPTS = `
  insert into call_attempt (tenant_id, id, call_id, number, outcome, status, duration_ms, request_headers, request_body,
                            response_headers, response_body)
  select tenant_id, ${idAt('now()')}, id, 1, state, status, 42, '{"content-type":"application/json"}', decode(repeat('7b', 200), 'hex'),
         '{"content-type":"application/json"}', decode(repeat('7d', 200), 'hex')
    from call where id >= v7_floor($1::timestamptz) and id < v7_floor($2::timestamptz)`

const FOUND = `
  insert into external_id (tenant_id, value_hmac, kind, ref_id)
  select tenant_id, case when n % 20000 = 0 then $3::bytea else sha256(('value ' || n / 5)::bytea) end, 'call', id
    from (select tenant_id, id, row_number() over (order by id) as n
            from call where id >= v7_floor($1::timestamptz) and id < v7_floor($2::timestamptz)) c`

/** Every question that the list and the search take, each many times from different places. */
export async function ask({ app, actor, connection }: Ground) {
  const list = (query: Parameters<typeof listCalls>[2]) => () => listCalls(app, actor, query)
  const middle = toWire('call', floorOf(DAYS / 2))
  const newest = await listCalls(app, actor, { status: '429', limit: '200' })
  let turn = 0
  const questions: Record<string, () => Promise<unknown>> = {
    'newest page': list({}),
    'page in the middle': list({ cursor: middle }),
    'by connection': list({ connection_id: connection, cursor: middle }),
    'by operation': list({ operation: 'payments.create' }),
    'by method': list({ method: 'PUT', cursor: middle }),
    'by status': list({ status: '404' }),
    'by a rare hundred': list({ status: '5xx' }),
    'by state': list({ state: 'refused' }),
    'by time': list({ from: dayAgo(3), to: dayAgo(2) }),
    'by time, connection, method and status': list({
      from: dayAgo(8),
      to: dayAgo(1),
      connection_id: connection,
      method: 'GET',
      status: '4xx',
    }),
    'by CPF': list({ q: CPF }),
    'by CPF and state': list({ q: CPF, state: 'refused' }),
    'by what nobody has': list({ q: '390.533.447-05' }),
    'search by CPF': () => search(app, actor, CPF),
    'a call with its attempts': () =>
      readCall(app, actor, newest.data[turn++ % newest.data.length]?.id ?? ''),
  }
  const times = []
  for (const [name, question] of Object.entries(questions)) times.push({ name, ...(await timed(question)) })
  return times
}

const dayAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

function floorOf(days: number): string {
  const ms = Math.floor(Date.now() - days * DAY_MS)
    .toString(16)
    .padStart(12, '0')
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-000000000000`
}

export async function timed(question: () => Promise<unknown>): Promise<{ p50: number; p95: number }> {
  const took: number[] = []
  for (let at = 0; at < TIMES; at++) {
    const began = performance.now()
    await question()
    took.push(performance.now() - began)
  }
  return { p50: percentile(took, 0.5), p95: percentile(took, 0.95) }
}

function percentile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
