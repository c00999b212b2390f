import { createHash } from 'node:crypto'
import type { VendorPayment } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, NOT_SENT } from '../calls/calls.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { type Made, send } from './create.ts'
import { type Status, wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { openRequest, sealRequest } from './request.ts'
import { applyWord } from './told.ts'
import { ask } from './vendor.ts'
import { PATIENCE_S } from './waiting.ts'

/** What is done to a payment that is there: captured, canceled, confirmed. */

type Act = {
  verb: 'capture' | 'cancel'
  from: readonly Status[]
  input(row: queries.PaymentRow): object
}

const SOON_S = 5
const DONE = { capture: 'captured', cancel: 'canceled' }

/** Asked at the vendor; what it did is settled by a look at the payment where nobody saw it. */
export async function act(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  { verb, from, input }: Act,
): Promise<queries.PaymentRow> {
  const { row, asked } = await begin(app, actor, place, { verb, from, input })
  const wire_id = toWire('payment', place.id)
  // Two at once from one state that ask the same are one and the same to the vendor.
  const key = `${wire_id}.${verb}.${row.version}.${digest(asked)}`
  const question = { verb, input: asked, key }
  const answer = await ask<VendorPayment>(app, actor, connection, question)
  if (isKept(answer)) await inTenant(app.db, place.tenant_id, (tx) => queries.askAnew(tx, place, row))
  if (answer.kind === 'unknown') {
    await inTenant(app.db, place.tenant_id, (tx) => queries.link(app, tx, place, { wait_s: SOON_S }))
    throw new Problem('vendor_outcome_unknown', {
      detail: `whether ${wire_id} was ${DONE[verb]} is not known: ${answer.because}; the vendor is asked, read it again`,
    })
  }
  if (answer.kind === 'refused') {
    const { code, message, reason } = answer.failure
    const detail = `the vendor did not ${verb} ${wire_id}: ${message ?? reason}`
    throw new Problem(code === NOT_SENT ? 'vendor_failed' : 'conflict', { detail })
  }
  const { told, call_id } = answer
  return tell(app, place.tenant_id, async (tx) => {
    const word = wordOf(told, row.currency)
    const applied = must(await applyWord(tx, place, word, { cause: 'reply', cause_id: call_id }))
    return { out: must(await queries.findPayment(tx, place)), drafts: applied.drafts }
  })
}

/** A vendor may answer to a key for a day what it answered first, an error of its own included. */
const isKept = (answer: Answer<VendorPayment>): boolean =>
  answer.kind === 'unknown'
    ? (answer.status ?? 0) >= 500
    : answer.kind === 'refused' && answer.status !== null

const digest = (asked: object): string =>
  createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16)

/** What comes of it is looked at by a job, whether or not this process lives to see it. */
const begin = (
  app: App,
  actor: Actor,
  place: queries.Place,
  { verb, from, input }: Act,
): Promise<{ row: queries.PaymentRow; asked: object }> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const row = must(await queries.lockPayment(tx, place))
    if (!from.includes(row.status) || row.vendor_id === null) throw notNow(row, verb)
    const asked = { vendor_id: row.vendor_id, ...input(row) }
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    await audit(tx, actor, `payment.${verb}`, toWire('payment', place.id))
    return { row, asked }
  })

function notNow({ id, status, vendor_id }: queries.PaymentRow, verb: Act['verb']): Problem {
  const why =
    vendor_id === null && status !== 'processing' ? 'the vendor does not know it' : `it is ${status}`
  const hint = status === 'processing' ? '; it is being settled, read it again' : ''
  return new Problem('conflict', {
    detail: `${toWire('payment', id)} cannot be ${DONE[verb]}: ${why}${hint}`,
  })
}

/** A payment that was held and is now sent: to whose account the connection leads to now, whatever it was when it was made. */
export async function confirm(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<Made> {
  const wire_id = toWire('payment', place.id)
  const before = await openRequest(app, place)
  const kept = before && { ...before, account: accountOf(connection) }
  const number = await inTenant(app.db, place.tenant_id, async (tx) => {
    const request = kept && (await sealRequest(app, tx, place, kept))
    if (!request || !(await queries.releasePayment(tx, place, request)))
      throw new Problem('conflict', { detail: `${wire_id} is not held` })
    await queries.link(app, tx, place, { wait_s: PATIENCE_S })
    await audit(tx, actor, 'payment.confirm', wire_id)
    return must(await queries.findPayment(tx, place)).try_number
  })
  return send(app, actor, place, { number, connection, kept: must(kept) })
}

/** One that was held and never sent: nobody has to be asked. Null where it is not. */
export const cancelHeld = (
  app: App,
  actor: Actor,
  place: queries.Place,
): Promise<queries.PaymentRow | null> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockPayment(tx, place))
    if (!row.held) return { out: null, drafts: [] }
    await audit(tx, actor, 'payment.cancel', toWire('payment', place.id))
    const word = { status: 'canceled' } as const
    const applied = must(await applyWord(tx, place, word, { cause: 'request', cause_id: actor.id }))
    return { out: must(await queries.findPayment(tx, place)), drafts: applied.drafts }
  })
