import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../platform/database/database.ts'
import type { Sign } from '../../platform/jobs/jobs.ts'
import { ANY_NOT_CLOSED, ANY_SHARED_LIMIT, anyLimitSetSince, anyLimitUsedSince } from '../calls/calls.ts'
import { ANY_OWN_LIMITS, ANY_UNHEALTHY, anyConnectionChangedSince } from '../connections/connections.ts'
import { anyEventSince } from '../events/events.ts'
import { anyInLaneBefore, SOONEST_MESSAGE } from '../inbound/inbound.ts'
import { anyCallSince, anyFailedSince, anyQuarantinedSince } from '../metrics/metrics.ts'
import { ANY_RATED, anyRatedSince } from '../operations/operations.ts'
import { ANY_DISABLED, SOONEST_DELIVERIES } from '../outbound/outbound.ts'
import type { AlertKind } from './kinds.ts'

/**
 * By what it is seen, in one question for all kinds and tenants, that a rule may have anything to say. A sign is wider than
 * the rules: without it nothing can be out of line; with it something may be, and is looked at.
 */

export type Facts = {
  free_percent: number
  /** Limits are counted outside of this database. */
  counts_elsewhere: boolean
  /** Of all limits that providers have by themselves, the calls of the smallest. */
  least_limit: number
}

/** While the clock stood still nothing was looked at: so from the turn before the one that is due. */
export const SINCE_LAST_TURN = sql`(o.due - interval '65 s')`
const LATELY = sql`(now() - interval '10 min')`

/** How far the longest enabled rule of a kind looks back; null, which nothing is later than, where there is none. */
const back = (kind: AlertKind) =>
  sql`(now() - (select max(minutes) + 5 from alert_rule where kind = ${kind} and enabled) * interval '1 min')`

/** What is due since then has waited too long for one rule at least. */
const OVERDUE = sql`(now() - (select min(threshold) from alert_rule where kind = 'backlog_age' and enabled) * interval '1 min')`
const overdue = (soonest: string) => sql`(${sql.raw(`(${soonest})`)} <= ${OVERDUE})`

/** `since`: from when on what was called or changed is news to the limits. */
function signOf(kind: AlertKind, facts: Facts, since: RawBuilder<unknown>): RawBuilder<unknown> {
  switch (kind) {
    case 'success_rate':
    case 'unknown_outcomes':
      return anyFailedSince(back(kind))
    case 'latency':
      return anyCallSince(back(kind))
    case 'breaker_open':
      return ANY_NOT_CLOSED
    case 'connection_unhealthy':
      return ANY_UNHEALTHY
    case 'limit_near':
      return sql`exists (select from alert_rule where kind = 'limit_near' and enabled)
                 and (${anyUsed(facts, since)} or ${anyLimitSetSince(since)} or ${anyConnectionChangedSince(since)} or ${anyRatedSince(since)}
                      or exists (select from alert_rule where kind = 'limit_near' and updated_at >= ${since}))`
    case 'backlog_age':
      return sql.join(
        [...[SOONEST_MESSAGE, ...SOONEST_DELIVERIES].map(overdue), anyInLaneBefore(OVERDUE)],
        sql` or `,
      )
    case 'deliveries_exhausted':
      return sql`exists (select from alert_rule r where kind = 'deliveries_exhausted' and enabled
                          and ${anyEventSince(sql`r.tenant_id`, 'delivery.exhausted', sql`(now() - r.minutes * interval '1 min')`)})`
    case 'subscription_disabled':
      return ANY_DISABLED
    case 'quarantined':
      return anyQuarantinedSince(back(kind))
    case 'credential_expiring':
      return sql`true`
    case 'disk_low':
      return sql`exists (select from alert_rule where kind = 'disk_low' and enabled and threshold > ${facts.free_percent}::float8)`
  }
}

/**
 * A call or two come near no limit but one that a tenant has set. Which connections are looked at is known by what was
 * counted of them, as their calls end and some seconds later: so also of what was used the turn before.
 */
function anyUsed({ counts_elsewhere, least_limit }: Facts, since: RawBuilder<unknown>) {
  if (counts_elsewhere) return anyCallSince(sql`${since} - interval '5 min'`)
  const from = sql`(${since} - interval '1 min')`
  const near = sql`${least_limit}::float8 * (select min(threshold) - 0.5 from alert_rule where kind = 'limit_near' and enabled) / 100`
  const is_any_set = sql`(${ANY_OWN_LIMITS} or ${ANY_RATED} or ${ANY_SHARED_LIMIT})`
  return sql`(${anyLimitUsedSince(from, near)} or (${is_any_set} and ${anyLimitUsedSince(from, sql`1`)}))`
}

/** Fires, or is about to: it has to be looked at to be resolved. */
const isUnderWay = (kind: AlertKind) =>
  sql`exists (select from alert where state <> 'resolved' and kind = ${kind})
      or exists (select from alert_pending where kind = ${kind})`

export const anyOf = (kinds: readonly AlertKind[], facts: Facts, since: RawBuilder<unknown>): Sign =>
  sql<boolean>`exists (select from alert where state <> 'resolved' and kind = any (${kinds}::text[]))
    or exists (select from alert_pending where kind = any (${kinds}::text[]))
    or ${sql.join(
      kinds.map((kind) => sql`(${signOf(kind, facts, since)})`),
      sql` or `,
    )}`

/** Those of the kinds that have to be looked at now; `is_under_way` where anything fires by it, or is about to. */
export async function listKinds(
  db: Db,
  kinds: readonly AlertKind[],
  facts: Facts,
): Promise<{ kind: AlertKind; is_under_way: boolean }[]> {
  const { rows } = await sql<{ kind: AlertKind; is_under_way: boolean }>`
    select kind, is_under_way from (values ${sql.join(
      kinds.map((kind) => sql`(${kind}::text, (${signOf(kind, facts, LATELY)}), ${isUnderWay(kind)})`),
    )}) k(kind, is_there, is_under_way) where is_there or is_under_way`.execute(db)
  return rows
}
