import { readMetrics } from '../modules/metrics/metrics.ts'
import { toWire } from '../platform/ids.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import { DAY_MS, timed } from './records.ts'
import { printTable, rounded } from './report.ts'

/** What `GET /v1/metrics/connections` takes, by the verb and as JSON, with this much counted by the hour and by the day. */
const KEPT_DAYS = 90
const CONNECTIONS = 50
const MOST_P95_MS = 100

export async function metrics(): Promise<void> {
  const place = await openPlace()
  try {
    const { app } = place
    const actor = await makeTenant(app, 'Bench')
    const [one = ''] = await fill(place, actor.tenant_id)
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
    const questions = {
      '90 days, all connections, by the day': { from: ago(KEPT_DAYS) },
      '31 days, all connections, by the hour': { from: ago(31), step: 'hour' },
      '24 hours, all connections': {},
      '90 days, one connection': { from: ago(KEPT_DAYS), connection_id: one },
    } as const
    const times = []
    for (const [name, query] of Object.entries(questions))
      times.push({
        name,
        ...(await timed(async () => JSON.stringify(await readMetrics(app, actor, query)))),
      })
    printTable([
      ['asked', 'p50 ms', 'p95 ms'],
      ...times.map(({ name, p50, p95 }) => [name, p50.toFixed(1), p95.toFixed(1)]),
    ])
    const worst = Math.max(...times.map(({ p95 }) => p95))
    const each = times.map(({ name, p50, p95 }) => [name, { p50: rounded(p50), p95: rounded(p95) }])
    console.log(
      JSON.stringify({
        bench: 'metrics',
        unit: 'ms',
        ours: rounded(worst),
        claimed: { p95_ms: MOST_P95_MS },
        ok: worst <= MOST_P95_MS,
        each: Object.fromEntries(each),
      }),
    )
  } finally {
    await place.close()
  }
}

/** Hours and days, of each connection and of all together. Returns the connections, on the wire. */
async function fill({ app, root }: Place, tenant_id: string): Promise<string[]> {
  const ids = Array.from({ length: CONNECTIONS }, () => app.newId())
  await root.query(FILL, [tenant_id, ids, `${KEPT_DAYS} days`])
  await root.query('vacuum analyze metric')
  return ids.map((id) => toWire('connection', id))
}

/** Durations in 60 buckets, as a connection has them whose calls take from a millisecond to half a minute. */
const FILL = `
  insert into metric (tenant_id, subject_id, grain, at, calls, succeeded, refused, attempts, total_ms, max_ms, durations, errors)
  select $1, subject, grain, at, 1000, 980, 20, 1000, 42000, 900,
         array_fill(15, array[60]), '{"status_404": 20}'
    from unnest('00000000-0000-0000-0000-000000000000'::uuid || $2::uuid[]) s(subject)
   cross join (select 'hour' as grain, generate_series(date_trunc('day', now() - $3::interval, 'UTC'), now(), '1 hour') as at
               union all
               select 'day', generate_series(date_trunc('day', now() - $3::interval, 'UTC'), now(), '1 day')) g`
