import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '../../kit/card_news.ts'
import type { CardLimits } from '../../kit/cards.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { findConnection } from '../connections/connections.ts'
import type { Asked } from '../inbound/inbound.ts'
import { sumSpent } from './authorization_queries.ts'
import { findDecision, putDecision } from './decision_queries.ts'
import { countedSince, limitedBy, limitsInForce, refusedBy, startOf } from './limits.ts'
import { type CardRow, findByVendorId, lockCard, type Place } from './queries.ts'
import { listRules } from './rule_queries.ts'
import { approvedBy, firstFitting } from './rules.ts'
import { takeQuestion } from './takings.ts'

/**
 * Whether a merchant may take money from a card, said while its network waits: by how the card stands, then its
 * limits, then the tenant's rules. What was decided is committed before it is answered, under the lock of the card, so
 * that two at once never pass a limit together, and the same question is answered the same. Where that takes longer
 * than there is time, the source says what is answered, and that is written down after.
 */
export async function decide(app: App, asked: Asked): Promise<Verdict> {
  const over = new AbortController()
  const left_ms = Math.max(0, asked.deadline - app.clock.monotonic())
  const late = sleep(left_ms, null, { signal: over.signal, ref: false }).catch(() => null)
  const decided = decideNow(app, asked).catch((err: unknown) => {
    if (err !== TOO_LATE) app.log.error({ crossing: 'card', ...about(asked), err }, 'not decided')
    return null
  })
  const first = await Promise.race([decided, late])
  over.abort()
  if (first === null) return undecided(app, asked, decided)
  note(app, asked, first.verdict)
  return first.verdict
}

/** Rolls back what nobody waits for any more. */
const TOO_LATE = new Error('the network has gone on without us')

const about = ({ tenant_id, message_id, question }: Asked) => ({
  tenant: toWire('tenant', tenant_id),
  message: message_id,
  authorization: question.authorization.vendor_id,
})

function note(app: App, asked: Asked, { approved, reason }: Verdict): void {
  const elapsed_ms = Math.round(app.clock.monotonic() - asked.began)
  const result = approved ? 'approved' : 'declined'
  app.telemetry.observe('trilho_card_decision_seconds', elapsed_ms / 1000, {
    provider: asked.provider,
    result,
  })
  app.log.info({ crossing: 'card', ...about(asked), approved, reason, elapsed_ms }, 'decision')
}

/** What the source wants said, and written down as soon as that can be. */
function undecided(app: App, asked: Asked, decided: Promise<Decided | null>): Verdict {
  const approved = asked.policy.undecided === 'approve'
  const verdict = { approved, reason: 'undecided', decision_id: null }
  note(app, asked, verdict)
  void decided
    .then((late) => recordUndecided(app, asked, approved, late))
    .catch((err: unknown) =>
      app.log.error({ crossing: 'card', ...about(asked), err }, 'a decision is not on record'),
    )
  return verdict
}

/** Over what was decided too late for this answer, and never over what the same question was answered before. */
const recordUndecided = (app: App, asked: Asked, approved: boolean, late: Decided | null): Promise<void> =>
  inTenant(app.db, asked.tenant_id, async (tx) => {
    const card = await lockAsked(tx, asked)
    const before = await findDecision(tx, keyOf(asked))
    if (before && before.approved !== null && !late?.is_new) return
    await record(app, tx, asked, { approved, reason: 'undecided', card, overrides: true })
  })

const keyOf = ({ tenant_id, provider, question }: Asked) => ({ tenant_id, provider, key: question.key })

/** `is_new`: the question was not answered before. */
type Decided = { verdict: Verdict; is_new: boolean }

const decideNow = (app: App, asked: Asked): Promise<Decided> =>
  inTenant(app.db, asked.tenant_id, async (tx) => {
    const card = await lockAsked(tx, asked)
    const before = await findDecision(tx, keyOf(asked))
    if (before && before.approved !== null) {
      const { approved, reason, id, approved_amount } = before
      const verdict = { approved, reason, decision_id: toWire('card_decision', id) }
      return { verdict: { ...verdict, ...partOf(asked, approved_amount) }, is_new: false }
    }
    const judged = card
      ? await judge(tx, asked, card, app.clock.now())
      : { ...stranger(asked), rule_id: null, part: null }
    const decision_id = await record(app, tx, asked, { ...judged, card })
    if (app.clock.monotonic() > asked.deadline) throw TOO_LATE
    const { approved, reason, part } = judged
    return { verdict: { approved, reason, decision_id, ...partOf(asked, part) }, is_new: true }
  })

const partOf = ({ question }: Asked, amount: string | null) =>
  amount === null ? {} : { part: { amount, currency: question.asked.currency } }

/** Of a card that was not issued through us nothing is known here. */
const stranger = ({ policy }: Asked) => ({
  approved: policy.unknown_card === 'approve',
  reason: 'card_unknown',
})

/** The card it is about, locked; null where it is none of ours, or it is not clear which. */
export async function lockAsked(
  tx: Tx,
  {
    tenant_id,
    provider,
    connection_id,
    question,
  }: Pick<Asked, 'tenant_id' | 'provider' | 'connection_id' | 'question'>,
): Promise<CardRow | null> {
  const vendor_id = question.authorization.card_id
  const known = await findByVendorId(tx, { tenant_id, provider, vendor_id })
  const [only, ...others] = known.filter(
    (one) => connection_id === null || one.connection_id === connection_id,
  )
  if (!only || others.length > 0) return null
  return (await lockCard(tx, { tenant_id, id: only.id })) ?? null
}

/** `part`: where less is approved than was asked for. */
type Judged = { approved: boolean; reason: string; rule_id: string | null; part: string | null }

async function judge(tx: Tx, { tenant_id, question }: Asked, card: CardRow, now: Date): Promise<Judged> {
  const no = (reason: string): Judged => ({ approved: false, reason, rule_id: null, part: null })
  const refused = refusedBy(card)
  if (refused !== null) return no(refused)
  if (question.asked.currency !== card.currency) return no('currency_mismatch')
  const limits = limitsInForce(card)
  const spent = await spentOn(tx, { tenant_id, id: card.id }, limits, now)
  const limited = limitedBy(limits, question, spent)
  if (limited !== null) return no(limited)
  // In this transaction: who holds a database connection and waits for another one waits for ever under load.
  const connection = await findConnection(tx, tenant_id, card.connection_id)
  const rules = await listRules(tx, tenant_id, connection?.environment === 'production' ? 'live' : 'test')
  const rule = firstFitting(rules, { question, card })
  if (!rule) return { approved: true, reason: 'within_limits', rule_id: null, part: null }
  const amount = approvedBy(rule, question)
  const part = amount === question.asked.amount ? null : amount
  return { approved: amount !== null, reason: 'rule', rule_id: rule.id, part }
}

async function spentOn(tx: Tx, place: Place, limits: readonly CardLimits[], now: Date) {
  const since = countedSince(limits, now)
  if (since === 'never') return []
  const start = (interval: 'daily' | 'weekly' | 'monthly' | 'yearly') => startOf(interval, now) ?? now
  const times = {
    daily: start('daily'),
    weekly: start('weekly'),
    monthly: start('monthly'),
    yearly: start('yearly'),
  }
  return sumSpent(tx, place, since, times)
}

type Recorded = {
  /** Null: nobody knows what was answered. */
  approved: boolean | null
  reason: string
  rule_id?: string | null
  part?: string | null
  /** As it was judged; looked for where it was not. */
  card?: CardRow | null
  overrides?: boolean
}

/** The decision, and the authorization it is about; gives its id on the wire. */
export async function record(app: App, tx: Tx, asked: Asked, given: Recorded): Promise<string | null> {
  const { tenant_id, provider, message_id, question, began } = asked
  const card = given.card === undefined ? await lockAsked(tx, asked) : given.card
  const authorization_id = card
    ? await takeQuestion(app, tx, tenant_id, card, heldBy(question, given.part), given.approved)
    : null
  const id = await putDecision(
    tx,
    {
      ...{ tenant_id, id: app.newId(), provider, key: question.key, message_id, authorization_id },
      ...{
        card_id: card?.id ?? null,
        approved: given.approved,
        approved_amount: given.part ?? null,
        reason: given.reason,
        rule_id: given.rule_id ?? null,
      },
      ...question.asked,
      elapsed_ms: Math.max(0, Math.round(app.clock.monotonic() - began)),
    },
    given.overrides,
  )
  return id && toWire('card_decision', id)
}

/** As if no more had been asked for. */
const heldBy = (question: Asked['question'], part: string | null = null): Asked['question'] =>
  part === null ? question : { ...question, asked: { ...question.asked, amount: part } }

/** Of one that was answered nothing is left to say; where nobody was, or it is not on record, the question itself is. */
export async function recordUnanswered(app: App, tx: Tx, asked: Asked): Promise<void> {
  const { tenant_id, provider, question } = asked
  if (await findDecision(tx, { tenant_id, provider, key: question.key })) return
  await record(app, tx, asked, { approved: null, reason: 'unanswered' })
}
