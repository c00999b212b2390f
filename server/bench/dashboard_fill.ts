import { createConnection } from '../modules/connections/connections.ts'
import { makePartitions } from '../platform/database/database.ts'
import { fromWire } from '../platform/ids.ts'
import { makeTenant, type Place } from './place.ts'
import { DAY_MS, DAYS, idAt } from './records.ts'

const CONNECTIONS = 50
const BATCH = 100_000

/** One tenant with its connections and so many calls up to now, from ten days ago; and what was counted of them. */
export async function fillTenant({ app, root }: Place, rows: number): Promise<void> {
  await makePartitions(app.db.owner, new Date(Date.now() - DAYS * DAY_MS), DAYS)
  const actor = await makeTenant(app, 'Bench')
  const connections: string[] = []
  for (let at = 1; at <= CONNECTIONS; at++) {
    const { id } = await createConnection(app, actor, {
      provider: 'http',
      name: `Vendor ${String(at).padStart(2, '0')}`,
      environment: 'development',
      settings: { base_url: 'http://127.0.0.1:9' },
    })
    connections.push(fromWire('connection', id))
  }
  const began = new Date(Date.now() - DAYS * DAY_MS)
  const step_ms = (DAYS * DAY_MS) / rows
  for (let from = 0; from < rows; from += BATCH) {
    const last = Math.min(from + BATCH, rows) - 1
    await root.query(CALLS, [actor.tenant_id, connections, began, step_ms, from, last])
  }
  for (const [grain, source] of Object.entries(GRAINS)) {
    await root.query(METRICS, [actor.tenant_id, grain, source])
    await root.query(TRAFFIC, [actor.tenant_id, grain])
  }
  await root.query('vacuum analyze') // as autovacuum does; plans are made by what it learns
}

/** What each is counted by. */
const GRAINS = { five_minutes: '5 minutes', hour: '1 hour', day: '1 day' }

const CALLS = `
  insert into call (tenant_id, id, connection_id, operation, method, path, state, status, attempts, duration_ms,
                    actor, closed_at, trouble, trouble_status, trouble_class)
  select $1, ${idAt('at')}, ($2::uuid[])[1 + i * 7 % ${CONNECTIONS}], case when i % 3 = 0 then 'payments.create' end,
         (array['GET', 'POST', 'POST', 'PUT'])[1 + i % 4], '/v1/things/' || i, state, status, 1, 38 + i % 200, 'key_bench',
         at, nullif(state, 'succeeded'), case when state <> 'succeeded' then status end,
         case when state <> 'succeeded' then status / 100 end
    from generate_series($5::int, $6::int) i
   cross join lateral (select $3::timestamptz + i * $4::float8 * interval '1 ms') m(at)
   cross join lateral (select case when i % 50 = 0 then 503 when i % 20 = 0 then 404 else 200 end) s(status)
   cross join lateral (select case when status < 300 then 'succeeded' when status < 500 then 'refused' else 'failed' end) t(state)`

/** Of each connection and of all together; their times stand in the ten buckets around 100 ms. */
const METRICS = `
  insert into metric (tenant_id, subject_id, grain, at, calls, succeeded, refused, failed, attempts, total_ms, max_ms,
                      durations, errors)
  select $1, subject, $2, date_bin($3::interval, closed_at, '2000-01-01 00:00+00'), count(*),
         count(*) filter (where state = 'succeeded'), count(*) filter (where state = 'refused'),
         count(*) filter (where state = 'failed'), count(*), sum(duration_ms), max(duration_ms),
         array_fill(0, array[20]) || array_fill(ceil(count(*) / 10.0)::int, array[10]), '{"status_503": 1}'
    from call cross join lateral (values (connection_id), ('00000000-0000-0000-0000-000000000000'::uuid)) s(subject)
   where tenant_id = $1 group by 2, 4`

const TRAFFIC = `
  insert into traffic (tenant_id, grain, at, direction, subject, outcome, count, total_ms)
  select $1, $2, at, direction, '', outcome, calls, total_ms
    from metric cross join (values ('inbound', 'completed'), ('inbound', 'ignored'), ('outbound', 'delivered'),
                                   ('outbound', 'failed')) f(direction, outcome)
   where tenant_id = $1 and grain = $2 and subject_id = '00000000-0000-0000-0000-000000000000'`
