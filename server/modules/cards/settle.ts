import type { VendorCard } from '../../kit/card_news.ts'
import type { FindCardByReference, LookedThrough } from '../../kit/cards.ts'
import { inTenant } from '../../platform/database/database.ts'
import { timeOfId } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, never } from '../calls/calls.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { answered, openRequest } from './issue.ts'
import * as queries from './queries.ts'
import { applyTold, wireOf } from './told.ts'
import { ask, asker, openIfThere } from './vendor.ts'
import { askFor, settleWish } from './wishes.ts'

/**
 * What became of a card that nobody saw the end of, found out by asking, again and again, until it is known. Never a
 * guess, and never a second card: it is asked for again under the very key it had, or looked for by our id.
 */

/** After these it is asked again, and then every six hours for as long as it takes. */
const WAITS_S = [5, 15, 60, 300, 900, 3_600, 3_600, 3_600]
const SLOWEST_S = 6 * 3_600

type Payload = { card_id: string; tries: number; denied: number }

/** One turn of the chain. A job that is not the one of now was cut off, or somebody has asked meanwhile. */
export async function settle(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  const { card_id, tries, denied } = payload as Payload
  const place = { tenant_id, id: card_id }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findCard(tx, place))
  if (row?.job_id !== id) return
  const asked = await askAll(app, place, row, denied).catch((err: unknown) => {
    app.log.warn({ crossing: 'card', card: wireOf(place), err }, 'not settled this time')
    return { denied, is_open: true }
  })
  await inTenant(app.db, tenant_id, async (tx) => {
    const next = asked.is_open ? app.newId() : null
    if (!(await queries.relink(tx, place, next, id)) || next === null) return
    const wait_s = WAITS_S[tries] ?? SLOWEST_S
    await queries.enqueueTurn(app, tx, place, next, { wait_s, tries: tries + 1, denied: asked.denied })
  })
}

async function askAll(app: App, place: queries.Place, row: queries.CardRow, denied: number) {
  const connection = await openIfThere(app, place.tenant_id, row.connection_id)
  if (!connection) {
    await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, GONE))
    return { denied, is_open: false }
  }
  if (connection.state !== 'enabled') return { denied, is_open: true }
  if (row.status === 'processing') {
    const heard = await settleIssue(app, connection, place, row, denied)
    const now = await inTenant(app.db, place.tenant_id, (tx) => queries.findCard(tx, place))
    return { denied: heard, is_open: now?.status === 'processing' }
  }
  if (row.wish) await pursue(app, connection, place, row, row.wish)
  // Looked at in any case: of a card that was canceled there nothing is wanted any more.
  const is_told = await refreshCard(app, asker(connection), connection, place, true)
  const now = await inTenant(app.db, place.tenant_id, (tx) => queries.findCard(tx, place))
  return { denied, is_open: !is_told || Boolean(now?.wish) }
}

/** A card that nobody waits for any more is not made: from then on it is only looked for. */
const REPEAT_WITHIN_S = 15 * 60
/** What is not there after this, and twice, was never made: who asked has given up long ago. */
const MADE_WITHIN_S = 2 * 3_600
const DENIALS = 2

/** Gives how often the vendor has known nothing of it. */
async function settleIssue(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  row: queries.CardRow,
  denied: number,
): Promise<number> {
  const age_s = (app.clock.now().getTime() - timeOfId(row.id).getTime()) / 1000
  const kept = await openRequest(app, place)
  const is_same = kept?.account === accountOf(connection)
  if (kept && is_same && age_s < REPEAT_WITHIN_S) {
    const question = { verb: 'issue', input: kept.request, key: wireOf(place) } as const
    const answer = never(await ask<VendorCard>(app, asker(connection), connection, question))
    await answered(app, place, answer, 'answer')
    if (answer.kind !== 'unknown') return denied
  }
  const found = await findMade(app, connection, place, row)
  if (found.kind !== 'told') return denied
  if (found.told) {
    await answered(app, place, { ...found, told: found.told }, 'answer')
    return denied
  }
  if (age_s < MADE_WITHIN_S) return denied
  if (!is_same) {
    await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, CHANGED))
    return denied
  }
  if (denied + 1 >= DENIALS) await answered(app, place, NEVER_HEARD, 'answer')
  return denied + 1
}

/** Of one cardholder, made within an hour or so: a hundred each. */
const MOST_PAGES = 50

/** On all pages of what its vendor lists; told null where it is on none of them. */
async function findMade(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  { id, cardholder }: queries.CardRow,
): Promise<Answer<VendorCard | null>> {
  const sought = { reference: wireOf(place), cardholder, from: timeOfId(id).toISOString() }
  let after: string | null = null
  for (let page = 0; page < MOST_PAGES; page++) {
    const input: FindCardByReference = { ...sought, ...(after !== null && { after }) }
    const answer: Answer<LookedThrough> = await ask(app, asker(connection), connection, {
      verb: 'find_by_reference',
      input,
    })
    if (answer.kind !== 'told') return answer
    const { card, next }: LookedThrough = answer.told
    if (card || next === null) return { ...answer, told: card }
    after = next
  }
  await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, TOO_MANY))
  return { kind: 'unknown', because: TOO_MANY.message, call_id: null }
}

const TOO_MANY = {
  reason: 'unknown',
  code: 'too_many_to_look_through',
  message: `the vendor lists more than ${MOST_PAGES} pages of cards of this cardholder from that time; look at it there, and say by /resolve what became of it`,
} as const

/** The connection may lead to another account by now, which knows nothing of it in truth. */
const CHANGED = {
  reason: 'unknown',
  code: 'connection_changed',
  message:
    'its connection was given other settings or credentials since it was asked for, and the vendor does not show it there; set them back for it to be settled, or say by /resolve what became of it',
} as const

const GONE = {
  reason: 'unknown',
  code: 'connection_deleted',
  message:
    'its connection was deleted before it was known whether it was issued; say by /resolve what became of it',
} as const

const NEVER_HEARD = {
  kind: 'refused',
  failure: { reason: 'not_found', code: null, message: 'the vendor knows nothing of it' },
  call_id: null,
} as const

/** What shuts a card is asked for until it holds; what opens it is only looked at, since nobody waits for it. */
async function pursue(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  row: queries.CardRow,
  wish: queries.Wish,
): Promise<void> {
  const { status: _status, reason: _reason, ...rest } = wish
  const kept = wish.status === 'active' ? rest : wish
  const asked = { wish: kept, wish_no: row.wish_no }
  if (Object.keys(kept).length === 0) {
    await inTenant(app.db, place.tenant_id, (tx) => queries.endWish(tx, place, row.wish_no))
    return
  }
  const turn = row.job_id ?? ''
  const answer = never(await askFor(app, asker(connection), connection, place, { ...row, wish: kept }, turn))
  // A no in one attempt may be of this time alone; the next turn asks again.
  if (answer.kind !== 'unknown') await settleWish(app, place, asked, answer, 'answer')
}

/** Of one that the vendor knows nothing of nothing is left to be asked. */
const isNotThere = (answer: Answer<VendorCard | null>): boolean =>
  answer.kind === 'told' || (answer.kind === 'refused' && answer.failure.reason === 'not_found')

/** As the vendor has it now, which is believed above all that came before the question. True where it was told. */
export async function refreshCard(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  in_turn = false,
): Promise<boolean> {
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findCard(tx, place))
  if (!row?.vendor_id) return row?.status !== 'processing'
  const input = { vendor_id: row.vendor_id }
  const answer = await ask<VendorCard | null>(app, actor, connection, { verb: 'find', input })
  if (answer.kind !== 'told' || !answer.told) return isNotThere(answer)
  const { told, call_id } = { ...answer, told: answer.told }
  const cause = { cause: 'answer', cause_id: call_id, asked_at: row.version, in_turn } as const
  await tell(app, place.tenant_id, async (tx) => ({
    out: null,
    drafts: await applyTold(app, tx, place, told, cause),
  }))
  return true
}
