import { inTenant, type Tx } from '../../platform/database/database.ts'
import { parseWire, toWire } from '../../platform/ids.ts'
import type { Sign } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { listNamed } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import { writeCounts } from '../metrics/metrics.ts'
import { listNames } from '../outbound/outbound.ts'
import { BREACHES, type Breach, rulesOf } from './breaches.ts'
import { freePercent } from './disk.ts'
import { ALL_KINDS, type AlertKind, kindOf } from './kinds.ts'
import { leastLimit } from './limits.ts'
import * as queries from './queries.ts'
import * as signs from './sign_queries.ts'
import { told } from './words.ts'

/**
 * One look at everything that rules watch. What is out of line long enough fires, once, however many look at the same
 * time; what is in line again is resolved. A kind that cannot be looked at leaves its alerts as they are.
 */

/** Certificates are opened for it, and days go slowly. */
const HOURLY: readonly AlertKind[] = ['credential_expiring']

export const watchHourly = (app: App): Promise<void> => watch(app, HOURLY)
const MINUTELY = ALL_KINDS.filter((kind) => !HOURLY.includes(kind))
export const watchMinutely = (app: App): Promise<void> => watch(app, MINUTELY)

/** Whether any rule that is looked at by the minute may have anything to say. */
export const isThereAnything = async (app: App): Promise<Sign> =>
  signs.anyOf(MINUTELY, await readFacts(app), signs.SINCE_LAST_TURN)

/** What the question does not find in the database. */
const readFacts = async (app: App): Promise<signs.Facts> => ({
  free_percent: await freePercent(app),
  counts_elsewhere: app.redis !== undefined,
  least_limit: leastLimit(app),
})

/** Kinds of which there is no sign, and by which nothing fires, cost nothing more than the one question for all. */
export async function watch(app: App, all: readonly AlertKind[]): Promise<void> {
  await writeCounts(app)
  const found = await signs.listKinds(app.db.owner, all, await readFacts(app))
  if (found.length === 0) return
  const kinds = found.map(({ kind }) => kind)
  const rules = Map.groupBy(await queries.listAllRules(app.db.worker, kinds), ({ kind }) => kind)
  const under_way = found.filter((one) => one.is_under_way).map(({ kind }) => kind)
  const open = Map.groupBy(await openOf(app, under_way), ({ kind }) => kind)
  const pending = Map.groupBy(await pendingOf(app, under_way), ({ kind }) => kind)
  for (const kind of kinds) {
    const before = { open: open.get(kind) ?? [], pending: pending.get(kind) ?? [] }
    await guarded(app, kind, async () =>
      settle(app, await breachesOf(app, kind, rules.get(kind) ?? []), before),
    )
  }
}

const openOf = async (app: App, kinds: AlertKind[]): Promise<queries.OpenAlert[]> =>
  kinds.length > 0 ? queries.listOpenAlerts(app.db.worker, kinds) : []
const pendingOf = async (app: App, kinds: AlertKind[]): Promise<queries.Pending[]> =>
  kinds.length > 0 ? queries.listPending(app.db.worker, kinds) : []

async function guarded(app: App, about: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (err) {
    app.log.error({ crossing: 'alert', about, err }, 'what rules watch could not be looked at or told')
  }
}

async function breachesOf(app: App, kind: AlertKind, rules: readonly queries.RuleRow[]): Promise<Breach[]> {
  const enabled = rules.filter((rule) => rule.enabled)
  if (enabled.length === 0) return []
  const own = rules.flatMap(({ connection_id }) => connection_id ?? [])
  return BREACHES[kind](app, rulesOf(enabled, new Set(own)))
}

type Before = { open: queries.OpenAlert[]; pending: queries.Pending[] }

const keyOf = ({ rule_id, subject }: { rule_id: string; subject: string }) => `${rule_id} ${subject}`

async function settle(app: App, breaches: Breach[], { open, pending }: Before): Promise<void> {
  const firing = new Map(open.map((alert) => [keyOf(alert), alert]))
  const waiting = new Map(pending.map((one) => [keyOf(one), one]))
  const out = new Set<string>()
  for (const breach of breaches) {
    const key = keyOf({ rule_id: breach.rule.id, subject: breach.subject })
    out.add(key)
    await guarded(app, key, () => meet(app, breach, firing.get(key), waiting.get(key)))
  }
  for (const [key, one] of waiting) {
    if (out.has(key)) continue
    await inTenant(app.db, one.tenant_id, (tx) => queries.deletePending(tx, one))
  }
  for (const [key, alert] of firing) if (!out.has(key)) await guarded(app, key, () => resolve(app, alert))
}

async function meet(
  app: App,
  breach: Breach,
  firing: queries.OpenAlert | undefined,
  waiting: queries.Pending | undefined,
): Promise<void> {
  const { rule, subject, value, note } = breach
  const { tenant_id, kind } = rule
  if (firing) {
    if (firing.value === value && firing.note === note) return
    return inTenant(app.db, tenant_id, (tx) => queries.measureAlert(tx, firing, { value, note }))
  }
  const now = app.clock.now()
  const since = breach.since ?? waiting?.since ?? now
  if (now.getTime() - since.getTime() >= heldFor(rule) * 60_000) return fire(app, breach)
  if (waiting) return
  const row = { tenant_id, rule_id: rule.id, subject, kind, since }
  await inTenant(app.db, tenant_id, (tx) => queries.insertPending(tx, row))
}

const heldFor = ({ kind, minutes }: queries.RuleRow): number =>
  kindOf(kind).minutes?.are === 'held' ? (minutes ?? 0) : 0

async function fire(app: App, { rule, subject, value, note }: Breach): Promise<void> {
  const { tenant_id, id: rule_id, kind, severity, threshold, minutes } = rule
  const about = { tenant_id, rule_id, subject }
  const { subject_name, muted_until } = await inTenant(app.db, tenant_id, async (tx) => ({
    subject_name: await nameOf(tx, tenant_id, subject, note),
    muted_until: await queries.findMute(tx, about),
  }))
  const measured = { kind, severity, threshold, minutes, value, note, subject_name, muted_until }
  const alert = { ...measured, id: app.newId(), rule_id, subject, ...FRESH }
  await tellOf(app, tenant_id, alert, async (tx) => {
    await queries.deletePending(tx, about)
    return queries.insertAlert(tx, { tenant_id, ...alert })
  })
}

const FRESH = { state: 'firing', acknowledged_at: null, acknowledged_by: null, resolved_at: null } as const

async function resolve(app: App, alert: queries.OpenAlert): Promise<void> {
  const { tenant_id } = alert
  const resolved_at = app.clock.now()
  await tellOf(app, tenant_id, { ...alert, state: 'resolved', resolved_at }, (tx) =>
    queries.resolveAlert(tx, alert, resolved_at),
  )
}

/** Makes it so, and tells of it in the same commit unless somebody wants to hear nothing of it for now. */
async function tellOf(
  app: App,
  tenant_id: string,
  alert: queries.AlertRow,
  work: (tx: Tx) => Promise<boolean>,
): Promise<void> {
  const is_muted = alert.muted_until !== null && alert.muted_until > app.clock.now()
  if (is_muted) return void (await inTenant(app.db, tenant_id, work))
  const entity_id = toWire('alert', alert.id)
  const type = alert.state === 'resolved' ? 'alert.resolved' : 'alert.fired'
  const data = told(alert)
  const is_told = await publishChange(app, { tenant_id, type, entity_id, data }, work)
  if (is_told) app.log.info({ crossing: 'alert', alert: entity_id, type, text: data.text }, 'alert')
}

/** What people call it; of a key that is its note. */
async function nameOf(tx: Tx, tenant_id: string, subject: string, note: string | null) {
  const connection = parseWire('connection', subject)
  if (connection) return (await listNamed(tx, tenant_id, [connection]))[0]?.name ?? null
  const subscription = parseWire('subscription', subject)
  if (subscription) return (await listNames(tx, tenant_id, [subscription]))[0]?.name ?? null
  return parseWire('api_key', subject) ? note : null
}

const KEPT_DAYS = 90

export const forgetOld = (app: App): Promise<void> =>
  queries.forgetAlerts(app.db.worker, new Date(app.clock.now().getTime() - KEPT_DAYS * 86_400_000))
