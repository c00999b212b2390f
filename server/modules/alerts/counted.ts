import { merge, percentile } from '../../kit/durations.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listCountsSince } from '../metrics/metrics.ts'
import { type Breach, isOut, plain, type Rules, windowOf } from './breaches.ts'
import type { RuleRow } from './queries.ts'

/** Rules on what calls came to, read from what was counted by five minutes. */

type Counted = Awaited<ReturnType<typeof listCountsSince>>[number]

export async function countedBreaches(app: App, rules: Rules): Promise<Breach[]> {
  const rows = await listCountsSince(app, windowOf(app, rules.longest()))
  const by_connection = Map.groupBy(rows, (row) => `${row.tenant_id} ${row.subject_id}`)
  return [...by_connection.values()]
    .flatMap((own) => {
      const { tenant_id, subject_id } = own[0] as Counted
      return rules.about(tenant_id, subject_id).flatMap((rule) => {
        const from = windowOf(app, rule.minutes ?? 0)
        const value = measured(
          rule,
          own.filter(({ at }) => at >= from),
        )
        return value === null ? [] : [plain(rule, toWire('connection', subject_id), value)]
      })
    })
    .filter(isOut)
}

/** Null where too little was done to say anything. */
function measured(rule: RuleRow, rows: Counted[]): number | null {
  const sum = (name: 'calls' | 'succeeded' | 'unknown') => rows.reduce((n, row) => n + row[name], 0)
  if (rule.kind === 'unknown_outcomes') return sum('unknown')
  const calls = sum('calls')
  if (calls === 0 || calls < (rule.least_calls ?? 1)) return null
  if (rule.kind === 'success_rate') return Math.round((sum('succeeded') * 1000) / calls) / 10
  const durations: number[] = []
  for (const row of rows) merge(durations, row.durations)
  return percentile(durations, 0.95)
}
