import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listNotClosed } from '../calls/calls.ts'
import { listUnhealthy } from '../connections/connections.ts'
import { countEventsSince } from '../events/events.ts'
import { listQuarantinedSince } from '../metrics/metrics.ts'
import { listDisabled } from '../outbound/outbound.ts'
import { countedBreaches } from './counted.ts'
import { credentialBreaches } from './credentials.ts'
import { diskBreaches } from './disk.ts'
import { type AlertKind, isWrong } from './kinds.ts'
import { limitBreaches } from './limits.ts'
import type { RuleRow } from './queries.ts'
import { backlogBreaches } from './waiting.ts'

/** What is out of line now, by rule and subject. */
export type Breach = {
  rule: RuleRow
  /** On the wire; '' for the tenant as a whole. */
  subject: string
  value: number
  note: string | null
  /** Since when, where that is known better than by having looked. */
  since: Date | null
}

/**
 * Everything of a kind that is out of line, for the rules of all tenants together: what is read are tallies and tables
 * that are small by nature, in statements whose number does not grow with the tenants.
 */
export const BREACHES: Record<AlertKind, (app: App, rules: Rules) => Promise<Breach[]>> = {
  success_rate: countedBreaches,
  latency: countedBreaches,
  unknown_outcomes: countedBreaches,
  breaker_open: async (app, rules) =>
    (await listNotClosed(app.db.worker)).flatMap(({ tenant_id, connection_id, opened_at, reason }) =>
      rules.about(tenant_id, connection_id).map((rule) => ({
        rule,
        subject: toWire('connection', connection_id),
        value: minutesSince(app, opened_at),
        note: reason,
        since: opened_at,
      })),
    ),
  connection_unhealthy: async (app, rules) =>
    (await listUnhealthy(app.db.owner)).flatMap(({ tenant_id, id, health_note }) =>
      rules.about(tenant_id, id).map((rule) => plain(rule, toWire('connection', id), 1, health_note)),
    ),
  subscription_disabled: async (app, rules) =>
    (await listDisabled(app.db.owner)).flatMap(({ tenant_id, id, state_note }) =>
      rules.of(tenant_id).map((rule) => plain(rule, toWire('subscription', id), 1, state_note)),
    ),
  deliveries_exhausted: async (app, rules) => {
    const found: Breach[] = []
    for (const [minutes, some] of Map.groupBy(rules.all, (rule) => rule.minutes ?? 0)) {
      const tenants = some.map(({ tenant_id }) => tenant_id)
      const since = new Date(app.clock.now().getTime() - minutes * 60_000)
      for (const { tenant_id, n } of await countEventsSince(app, tenants, 'delivery.exhausted', since))
        found.push(...some.filter((rule) => rule.tenant_id === tenant_id).map((rule) => plain(rule, '', n)))
    }
    return found.filter(isOut)
  },
  quarantined: async (app, rules) => {
    const counted = await listQuarantinedSince(app, windowOf(app, rules.longest()))
    return rules.all
      .map((rule) => {
        const from = windowOf(app, rule.minutes ?? 0)
        const own = counted.filter((row) => row.tenant_id === rule.tenant_id && row.at >= from)
        return plain(
          rule,
          '',
          own.reduce((sum, { count }) => sum + count, 0),
        )
      })
      .filter(isOut)
  },
  backlog_age: backlogBreaches,
  limit_near: limitBreaches,
  credential_expiring: credentialBreaches,
  disk_low: diskBreaches,
}

export const plain = (rule: RuleRow, subject: string, value: number, note: string | null = null): Breach => ({
  rule,
  subject,
  value,
  note,
  since: null,
})

export const isOut = ({ rule, value }: Breach): boolean => isWrong(rule.kind, rule.threshold, value)

const minutesSince = (app: App, at: Date | null): number =>
  at === null ? 0 : Math.max(0, Math.floor((app.clock.now().getTime() - at.getTime()) / 60_000))

const STEP_MS = 5 * 60_000

/** Whole steps, the one under way included. */
export const windowOf = (app: App, minutes: number): Date =>
  new Date(Math.floor((app.clock.now().getTime() - minutes * 60_000) / STEP_MS) * STEP_MS)

/** The enabled rules of one kind, of all tenants. */
export type Rules = {
  all: readonly RuleRow[]
  of(tenant_id: string): readonly RuleRow[]
  /** Of one connection: its own, or else the one for all. */
  about(tenant_id: string, connection_id: string): readonly RuleRow[]
  /** How many minutes the longest looks back. */
  longest(): number
}

/** `shadowed` are connections that have a rule of their own, also one that is switched off. */
export function rulesOf(all: readonly RuleRow[], shadowed: ReadonlySet<string>): Rules {
  const by_tenant = Map.groupBy(all, ({ tenant_id }) => tenant_id)
  const of = (tenant_id: string) => by_tenant.get(tenant_id) ?? []
  return {
    all,
    of,
    about: (tenant_id, connection_id) =>
      of(tenant_id).filter((rule) =>
        rule.connection_id === null ? !shadowed.has(connection_id) : rule.connection_id === connection_id,
      ),
    longest: () => Math.max(0, ...all.map(({ minutes }) => minutes ?? 0)),
  }
}
