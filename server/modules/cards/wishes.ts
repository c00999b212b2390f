import type { VendorCard } from '../../kit/card_news.ts'
import type { CardLimits } from '../../kit/cards.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, isOfThisTime, NOT_SENT } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { PATIENCE_S, SOON_S } from './issue.ts'
import { type Act, AT_VENDOR, DONE, fulfilled, type Reason, standingOf, WANTED, whyNot } from './moves.ts'
import * as queries from './queries.ts'
import { applyTold, cardEvent, describe, go, mustFind, wireOf } from './told.ts'
import { ask } from './vendor.ts'

/**
 * What is wanted of a card that is there: to be opened, blocked or canceled, to have other limits. The wish is on
 * record before the vendor is asked, counts at once for what may be authorized (see `limits.ts`), and says how the card
 * is to be, so that to ask twice does it once. What nobody saw the end of is asked for: what shuts a card is asked for
 * until it holds, whatever the vendor answers; an opening is looked at and not repeated.
 */

type Move = { act: Act; reason?: Reason }
type Limit = { limits: CardLimits }
export type Wanted = Move | Limit

export async function wishFor(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  wanted: Wanted,
): Promise<queries.CardRow> {
  const { row, wish, wish_no } = await put(app, actor, place, wanted)
  const answer = await askFor(app, actor, connection, place, { ...row, wish, wish_no }, 'reply')
  const is_watched = row.job_id !== null
  const now = await settleWish(app, place, { wish, wish_no, is_watched }, answer, 'reply')
  if (answer.kind === 'told' || isSettled(now, { wish, wish_no }, answer)) return now
  const what = 'act' in wanted ? DONE[wanted.act] : 'given other limits'
  if (answer.kind === 'unknown' || isAskedOn(wish, wanted, answer))
    throw new Problem('vendor_outcome_unknown', {
      detail: `whether ${wireOf(place)} was ${what} is not known: ${because(answer)}; it is being settled, read it again`,
    })
  const { code, message, reason } = answer.failure
  throw new Problem(code === NOT_SENT ? 'vendor_failed' : 'conflict', {
    detail: `the vendor says no, ${wireOf(place)} was not ${what}: ${message ?? reason}`,
  })
}

/** Somebody else saw the end of it meanwhile. */
const isSettled = (now: queries.CardRow, { wish, wish_no }: Numbered, { kind }: Answer<unknown>): boolean =>
  (kind === 'unknown' || shuts(wish)) && now.wish_no === wish_no && now.wish === null

const shuts = ({ status }: Pick<queries.Wish, 'status'>) => status === 'blocked' || status === 'canceled'

/** What shuts a card is not given up for a no; limits are, unless the no says nothing of them. */
const isAskedOn = (wish: queries.Wish, wanted: Wanted, answer: Answer<unknown>): boolean =>
  answer.kind === 'refused' && shuts(wish) && ('act' in wanted || isOfThisTime(answer.failure))

const because = (answer: Answer<unknown>): string => {
  if (answer.kind === 'unknown') return answer.because
  return answer.kind === 'refused' ? (answer.failure.message ?? answer.failure.reason) : ''
}

/** `is_watched`: its card was to be looked at already, as where the vendor may yet do over it what was wanted before. */
type Numbered = { wish: queries.Wish; wish_no: number; is_watched?: boolean }
type Asked = Numbered & { row: queries.CardRow }

/** What was wanted before and is not answered yet goes with it, unless this says otherwise. */
const put = (app: App, actor: Actor, place: queries.Place, wanted: Wanted): Promise<Asked> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const row = await mustLock(tx, place)
    const wish = {
      ...row.wish,
      ...('act' in wanted ? moveOf(row, place, wanted) : limitsOf(row, place, wanted)),
    }
    const wish_no = await queries.putWish(tx, place, wish)
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    const act = 'act' in wanted ? wanted.act : 'limit'
    const about = 'act' in wanted && wanted.reason ? { reason: wanted.reason } : {}
    await audit(tx, actor, `card.${act}`, wireOf(place), about)
    return { row, wish, wish_no }
  })

function moveOf(row: queries.CardRow, place: queries.Place, { act, reason }: Move): queries.Wish {
  const because = row.vendor_id === null ? 'the vendor does not know it yet' : whyNot(act, standingOf(row))
  if (because !== null)
    throw new Problem('conflict', { detail: `${wireOf(place)} cannot be ${DONE[act]}: ${because}` })
  return { status: WANTED[act], ...(reason !== undefined && { reason }) }
}

function limitsOf(row: queries.CardRow, place: queries.Place, { limits }: Limit) {
  if (row.vendor_id !== null && row.status !== 'canceled') return { limits }
  const detail = `${wireOf(place)} cannot be limited: ${row.status === 'processing' ? 'it is being settled' : `it is ${row.status}`}`
  throw new Problem('conflict', { detail })
}

async function mustLock(tx: Tx, place: queries.Place): Promise<queries.CardRow> {
  const row = await queries.lockCard(tx, place)
  if (!row) throw new Problem('not_found', { detail: `there is no card ${wireOf(place)}` })
  return row
}

/**
 * `turn` names the attempt: under a key it had before the vendor repeats its first answer, a failure included. It is said
 * how the card is to be, so that nothing is done twice.
 */
export function askFor(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  { vendor_id, wish, wish_no, currency }: queries.CardRow,
  turn: string,
): Promise<Answer<VendorCard>> {
  const { status, reason, limits } = wish ?? {}
  const input = {
    ...{ vendor_id, currency },
    ...(status && { status: AT_VENDOR[status] }),
    ...(reason && { reason }),
    ...(limits && { limits }),
  }
  return ask<VendorCard>(app, actor, connection, {
    verb: 'update',
    input,
    key: `${wireOf(place)}.update.${wish_no}.${turn}`,
  })
}

/** What became of a wish. An answer to one that another has taken the place of says nothing any more. */
export const settleWish = (
  app: App,
  place: queries.Place,
  { wish, wish_no, is_watched = false }: Numbered,
  answer: Answer<VendorCard>,
  cause: 'reply' | 'answer',
): Promise<queries.CardRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = await mustLock(tx, place)
    const drafts: Draft[] = []
    const why = { cause, cause_id: answer.call_id }
    if (row.wish_no === wish_no && row.wish !== null) {
      if (answer.kind === 'told') {
        if (cause === 'reply' && !is_watched) await queries.relink(tx, place, null)
        drafts.push(...(await come(app, tx, place, row, wish, answer.told, why)))
      } else if (answer.kind === 'refused' && !shuts(wish)) await giveUp(app, tx, place, wish_no)
      else await askOn(app, tx, place, wish, answer, cause)
    }
    return { out: await mustFind(tx, place), drafts }
  })

/** The limits may be what the vendor will not have: the rest is asked for without them. Turns go on by themselves. */
async function askOn(
  app: App,
  tx: Tx,
  place: queries.Place,
  { limits, ...rest }: queries.Wish,
  answer: Answer<VendorCard>,
  cause: 'reply' | 'answer',
): Promise<void> {
  if (limits && answer.kind === 'refused' && !isOfThisTime(answer.failure)) {
    await queries.putWish(tx, place, rest)
    await queries.link(app, tx, place, { wait_s: 0 })
  } else if (cause === 'reply') await queries.link(app, tx, place, { wait_s: SOON_S })
}

/** The vendor did it, or says that it did and has the card open still: then what shuts it is asked for again. */
async function come(
  app: App,
  tx: Tx,
  place: queries.Place,
  row: queries.CardRow,
  wish: queries.Wish,
  told: VendorCard,
  cause: queries.Cause,
): Promise<Draft[]> {
  await queries.endWish(tx, place, row.wish_no, wish.limits)
  const drafts = wish.limits ? [cardEvent('card.limits_changed', await mustFind(tx, place), cause)] : []
  const { status, reason } = wish
  if (status === undefined) return [...drafts, ...(await applyTold(app, tx, place, told, cause))]
  await describe(tx, place, row, told)
  const wanted = { status, ...(reason && { reason }) }
  if (shuts(wish) && told.status !== AT_VENDOR[status] && told.status !== 'canceled') {
    await queries.putWish(tx, place, wanted)
    if (cause.cause === 'reply') await queries.link(app, tx, place, { wait_s: SOON_S })
    return drafts
  }
  return [...drafts, ...(await go(app, tx, place, row, fulfilled(row, wanted, told), cause))]
}

/** The vendor will not: how it is there is looked at. */
async function giveUp(app: App, tx: Tx, place: queries.Place, wish_no: number): Promise<void> {
  await queries.endWish(tx, place, wish_no)
  await queries.link(app, tx, place, { wait_s: 0 })
}
