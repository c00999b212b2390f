import { fromWire } from '../platform/ids.ts'
import { makeSubscription, type Place } from './place.ts'
import { DAY_MS, DAYS, fill, idAt, type openGround } from './records.ts'

type Ground = Awaited<ReturnType<typeof openGround>>

const METRIC_DAYS = 90
const CONNECTIONS = 20

/** The days before today: so many calls and so many deliveries, each with its attempt; and metrics of 90 days. */
export async function fillAll(ground: Ground, rows: number, subscription: string): Promise<void> {
  await fill(ground, rows)
  const { root, actor } = ground
  for (let day = DAYS; day >= 1; day--) {
    const from = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - day * DAY_MS)
    const of_a_day = Math.ceil(rows / DAYS)
    await root.query(DELIVERIES, [from, of_a_day, actor.tenant_id, fromWire('subscription', subscription)])
    await root.query(ATTEMPTS, [from, new Date(from.getTime() + DAY_MS)])
  }
  await root.query(METRICS, [actor.tenant_id, fromWire('connection', ground.connection)])
}

export const subscribe = async ({ app, actor, receiver }: Ground): Promise<string> =>
  (await makeSubscription(app, actor, `http://127.0.0.1:${receiver.ready}/`)).id

export const vacuum = (root: Place['root']) => root.query('vacuum analyze')

const DELIVERIES = `
  insert into delivery (tenant_id, id, event_id, subscription_id, event_type, state, attempts, status, closed_at)
  select $3, ${idAt("$1::timestamptz + i * (interval '1 day' / $2)")}, ${idAt("$1::timestamptz + i * (interval '1 day' / $2)")},
         case when i % 20 = 0 then $4::uuid else md5((i % 19)::text)::uuid end, 'payment.completed',
         case when i % 100 = 0 then 'failed' else 'delivered' end, 1, case when i % 100 = 0 then 503 else 200 end, now()
    from generate_series(1, $2::int) i`

const ATTEMPTS = `
  insert into attempt (tenant_id, id, delivery_id, number, outcome, status, duration_ms, request_headers, response_headers,
                       response_body)
  select tenant_id, ${idAt('now()')}, id, 1, case when state = 'failed' then 'failed' else 'delivered' end, status, 42,
         '{"content-type":"application/json"}', '{"content-type":"application/json"}', decode(repeat('7d', 200), 'hex')
    from delivery where id >= v7_floor($1::timestamptz) and id < v7_floor($2::timestamptz)`

/** Hours and days, of each connection and of all together. */
const METRICS = `
  insert into metric (tenant_id, subject_id, grain, at, calls, succeeded, refused, attempts, total_ms, max_ms, durations, errors)
  select $1, subject, grain, at, 1000, 980, 20, 1000, 42000, 900, array_fill(15, array[60]), '{"status_404": 20}'
    from (select case k when 0 then '00000000-0000-0000-0000-000000000000' when 1 then $2::uuid else md5(k::text)::uuid end as subject
            from generate_series(0, ${CONNECTIONS}) k) s
   cross join (select 'hour' as grain, generate_series(date_trunc('day', now() - interval '${METRIC_DAYS} days'), now(), '1 hour') as at
               union all
               select 'day', generate_series(date_trunc('day', now() - interval '${METRIC_DAYS} days'), now(), '1 day')) g
      on conflict do nothing`
