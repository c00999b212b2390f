import type { VendorTransfer } from '../../kit/transfers.ts'
import { inTenant } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, NOT_SENT } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { dayOf } from './days.ts'
import { openDestination } from './destination.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { applyTold, follow, go, PATIENCE_S, SOON_S, wireOf } from './told.ts'
import { ask, markOf } from './vendor.ts'

/**
 * A transfer on its way to the bank. It is marked as sent before it is, in one place and once: whoever comes second finds
 * it marked, and whoever dies in between leaves one that is looked for at the bank. So no transfer is ever asked for twice.
 */
export async function send(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  cause: queries.Cause,
): Promise<queries.TransferRow> {
  const destination = await openDestination(app, place)
  const row = await mark(app, connection, place, cause)
  if (row === null) return readNow(app, place)
  const { number, method, amount, currency, description } = row
  const input = {
    ...{ reference: wireOf(place), method, money: { amount, currency }, destination },
    ...(number !== null && { number }),
    ...(description !== null && { description }),
    date: dayOf(app.clock.now()),
  }
  const answer = await ask<VendorTransfer>(app, actor, connection, { verb: 'create', input, once: true })
  return (await turnedAway(app, place, row, cause, answer)) ?? answered(app, place, answer)
}

/** Twelve hours or so: moves there and back, with the waits between. */
const MOST_MOVES = 60
const LONGEST_WAIT_S = 1_800

/**
 * Nobody was asked: a limit was reached, or the bank was out of reach. Who asks for one now is told that it failed; one that
 * was approved, or whose day has come, is sent later, for nobody is there to ask again. Null where it is not so.
 */
async function turnedAway(
  app: App,
  place: queries.Place,
  marked: queries.TransferRow,
  { cause }: queries.Cause,
  answer: Answer<VendorTransfer>,
): Promise<queries.TransferRow | null> {
  if (answer.kind !== 'refused' || answer.failure.code !== NOT_SENT) return null
  if (cause === 'request' || marked.version >= MOST_MOVES) return null
  const { failure, call_id: cause_id } = answer
  return tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (row.version !== marked.version) return { out: row, drafts: [] }
    const gone = must(await go(tx, place, row, 'pending', { cause: 'reply', cause_id }, { failure }))
    await queries.link(app, tx, place, { wait_s: Math.min(LONGEST_WAIT_S, 5 * row.version ** 2) })
    return { out: gone.row, drafts: gone.drafts }
  })
}

/** What waited so long may have been paid some other way. */
const SENT_WITHIN_S = 12 * 3_600

/** Null: the connection was deleted. */
export async function isTooLate(
  app: App,
  place: queries.Place,
  connection: OpenConnection | null,
): Promise<boolean> {
  if (connection === null) return true
  const seconds = await inTenant(app.db, place.tenant_id, (tx) => queries.pendingFor(tx, place))
  return seconds > SENT_WITHIN_S
}

/** Where nobody has sent it yet. */
export const giveUp = (app: App, place: queries.Place, connection: OpenConnection | null): Promise<void> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (row.status !== 'pending') return { out: undefined, drafts: [] }
    const why = connection
      ? 'it could not be sent for twelve hours'
      : 'its connection was deleted before it was sent'
    const message = `${why}; no money left, ask for another`
    const failure = { reason: 'vendor_unavailable', code: NOT_SENT, message } as const
    const cause = { cause: 'schedule', cause_id: null } as const
    const { drafts } = must(await go(tx, place, row, 'failed', cause, { failure }))
    return { out: undefined, drafts }
  })

/** What stands under its number already, and not this one, where it is of another amount or bears another's reference. */
function isOfAnother(
  place: queries.Place,
  row: queries.TransferRow,
  answer: Answer<VendorTransfer>,
): boolean {
  if (answer.kind !== 'told') return false
  const { money, reference } = answer.told
  if (money !== undefined && money.amount !== row.amount) return true
  return reference !== undefined && reference !== wireOf(place)
}

const readNow = (app: App, place: queries.Place): Promise<queries.TransferRow> =>
  inTenant(app.db, place.tenant_id, async (tx) => must(await queries.findTransfer(tx, place)))

/** Null where somebody else sends it, or it was given up. */
async function mark(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  cause: queries.Cause,
): Promise<queries.TransferRow | null> {
  const account = await markOf(app, connection)
  return tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    const sent = { at: app.clock.now(), account }
    const gone = await go(tx, place, row, 'processing', cause, { sent })
    if (gone) await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    return { out: gone?.row ?? null, drafts: gone?.drafts ?? [] }
  })
}

/** What the bank answered to a transfer; where nobody knows it, it is looked for soon. */
export const answered = (
  app: App,
  place: queries.Place,
  answer: Answer<VendorTransfer>,
): Promise<queries.TransferRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (answer.kind === 'unknown' || isOfAnother(place, row, answer)) {
      if (row.status === 'processing' && row.vendor_id === null)
        await queries.link(app, tx, place, { wait_s: SOON_S })
      return { out: row, drafts: [] as Draft[] }
    }
    const told =
      answer.kind === 'told'
        ? answer.told
        : { status: 'failed' as const, word: null, failure: answer.failure }
    const applied = await applyTold(tx, place, told, { cause: 'reply', cause_id: answer.call_id })
    await follow(app, tx, place, applied.row)
    return { out: applied.row, drafts: applied.drafts }
  })
