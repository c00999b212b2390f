import { timeOfId, toWire } from '../../platform/ids.ts'
import type { AlertKind } from './kinds.ts'
import type { AlertRow } from './queries.ts'

/** What an alert says, in one sentence for a chat or an e-mail; programs read the fields beside it. */

type Said = Pick<
  AlertRow,
  'kind' | 'subject' | 'subject_name' | 'threshold' | 'minutes' | 'value' | 'note' | 'state'
>

const SENTENCES: Record<AlertKind, (of: Said, name: string) => string> = {
  success_rate: ({ value, threshold, minutes }, name) =>
    `${name}: ${value} % of its calls succeeded in ${minutes} min, fewer than ${threshold} %`,
  latency: ({ value, threshold, minutes }, name) =>
    `${name}: of its calls in ${minutes} min one in twenty took ${Math.round(value)} ms or longer, the limit is ${threshold} ms`,
  breaker_open: ({ value }, name) => `${name}: its breaker is open${value > 0 ? `, for ${value} min` : ''}`,
  connection_unhealthy: (_, name) => `${name}: checks find its vendor unhealthy`,
  limit_near: ({ value, threshold }, name) =>
    `${name}: ${value} % of a limit is used, ${threshold} % or more`,
  backlog_age: ({ subject, value, threshold }) =>
    `${subject === 'inbound' ? 'Messages that came in' : 'Deliveries'} wait for ${value} min, ${threshold} min or longer`,
  deliveries_exhausted: ({ value, minutes }) => `${value} deliveries were given up in ${minutes} min`,
  subscription_disabled: (_, name) => `${name}: the subscription was disabled`,
  credential_expiring: ({ subject, value }, name) =>
    `${name}: its ${subject.startsWith('key_') ? 'API key' : 'certificate'} ${value < 0 ? 'has expired' : `expires in ${value} days`}`,
  quarantined: ({ value, minutes }) => `${value} messages went to the quarantine in ${minutes} min`,
  unknown_outcomes: ({ value, minutes }, name) =>
    `${name}: nobody saw the outcome of ${value} calls in ${minutes} min`,
  disk_low: ({ value, threshold }) => `${value} % of the disk is left, less than ${threshold} %`,
}

export function textOf(said: Said): string {
  const sentence = SENTENCES[said.kind](said, said.subject_name ?? (said.subject || 'All connections'))
  const note = said.note && said.note !== said.subject_name ? ` (${said.note})` : ''
  return `${said.state === 'resolved' ? 'Resolved: ' : ''}${sentence}${note}`
}

/** The data of `alert.fired` and `alert.resolved`. */
export const told = (alert: AlertRow) => ({
  alert_id: toWire('alert', alert.id),
  rule_id: toWire('alert_rule', alert.rule_id),
  kind: alert.kind,
  severity: alert.severity,
  subject: alert.subject || null,
  subject_name: alert.subject_name,
  value: alert.value,
  threshold: alert.threshold,
  minutes: alert.minutes,
  note: alert.note,
  text: textOf(alert),
  fired_at: timeOfId(alert.id).toISOString(),
  resolved_at: alert.resolved_at?.toISOString() ?? null,
})
