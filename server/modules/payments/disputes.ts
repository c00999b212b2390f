import type { VendorDispute } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { NOT_SENT } from '../calls/calls.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { isEnded } from './dispute_moves.ts'
import { applyDispute } from './dispute_news.ts'
import * as disputes from './dispute_queries.ts'
import { type Dispute, type DisputeQuery, type SubmitEvidence, toDispute } from './dispute_schema.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { ask, leftUntil, toldBy, WHOLE_MS } from './vendor.ts'

/** What payers dispute, and what one answers. The vendor's word decides; its webhooks tell of what it decided. */

export async function listDisputes(app: App, { tenant_id }: Actor, input: DisputeQuery) {
  const { limit, before } = readPage('dispute', input)
  const { status, payment_id, connection_id } = input
  const wanted = {
    ...(status && { status }),
    ...(payment_id && { payment_id: fromWire('payment', payment_id, 'payment_id') }),
    ...(connection_id && { connection_id: fromWire('connection', connection_id, 'connection_id') }),
  }
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    disputes.listDisputes(tx, tenant_id, wanted, limit, before),
  )
  return toPage('dispute', rows, limit, toDispute)
}

export const readDispute = async (app: App, actor: Actor, wire_id: string): Promise<Dispute> =>
  toDispute(await find(app, actor, wire_id))

async function find(app: App, { tenant_id }: Actor, wire_id: string): Promise<disputes.DisputeRow> {
  const place = { tenant_id, id: fromWire('dispute', wire_id) }
  const row = await inTenant(app.db, tenant_id, (tx) => disputes.findDispute(tx, place))
  if (row) return row
  throw new Problem('not_found', { detail: `there is no dispute ${wire_id}` })
}

export const submitEvidence = (
  app: App,
  actor: Actor,
  wire_id: string,
  { submit = true, ...evidence }: SubmitEvidence,
): Promise<Dispute> =>
  act(app, actor, wire_id, { verb: 'answer_dispute', what: 'evidence', input: { ...evidence, submit } })

/** Gives it up: the money is the payer's. */
export const acceptDispute = (app: App, actor: Actor, wire_id: string): Promise<Dispute> =>
  act(app, actor, wire_id, { verb: 'accept_dispute', what: 'accept', input: {} })

/** Of the time that whoever waits has in all, for the look before. */
const LOOK_MS = 5_000

type Act = { verb: 'answer_dispute' | 'accept_dispute'; what: string; input: object }

/**
 * Under a key of this asking alone, since a vendor may answer to a key for a day what it answered first, an error of its
 * own included, and evidence has its day. What an asking before may have done is read first: what was taken is not sent twice.
 */
async function act(app: App, actor: Actor, wire_id: string, { verb, what, input }: Act): Promise<Dispute> {
  const ends_ms = app.clock.monotonic() + WHOLE_MS
  const known = await find(app, actor, wire_id)
  const connection = await useConnection(app, actor, known.connection_id)
  refuseUnlessMay(connection, known, verb)
  const { tenant_id } = actor
  await readDisputesOf(app, actor, connection, { tenant_id, id: known.payment_id }, LOOK_MS)
  const row = await find(app, actor, wire_id)
  refuseUnlessMay(connection, row, verb)
  await inTenant(app.db, tenant_id, (tx) => audit(tx, actor, `dispute.${what}`, toWire('dispute', row.id)))
  const question = { verb, input: { ...input, vendor_id: row.vendor_id } }
  const key = `${toWire('dispute', row.id)}.${what}.${app.newId()}`
  const answer = await ask<VendorDispute>(app, actor, connection, {
    ...question,
    ...{ key, deadline_ms: leftUntil(app, ends_ms) },
  })
  if (answer.kind === 'unknown')
    throw new Problem('vendor_outcome_unknown', {
      detail: `whether the vendor took it is not known: ${answer.because}; refresh the payment, or ask again`,
    })
  if (answer.kind === 'refused') {
    const { code, message, reason } = answer.failure
    const detail = `the vendor did not take it for ${wire_id}: ${message ?? reason}`
    throw new Problem(code === NOT_SENT ? 'vendor_failed' : 'conflict', { detail })
  }
  await hear(app, tenant_id, row.payment_id, [answer.told], {
    call_id: answer.call_id,
    asked_at: new Map([[row.vendor_id, row.version]]),
  })
  return readDispute(app, actor, wire_id)
}

function refuseUnlessMay(
  { opened: { provider } }: OpenConnection,
  row: disputes.DisputeRow,
  verb: Act['verb'],
): void {
  if (!provider.operations[`payments.${verb}`])
    throw new Problem('conflict', { detail: `${provider.id} has no operation payments.${verb}` })
  const is_over = verb === 'answer_dispute' ? row.status !== 'needs_response' : isEnded(row)
  if (is_over) throw new Problem('conflict', { detail: `${toWire('dispute', row.id)} is ${row.status}` })
}

/** All disputes of a payment as the vendor has them now, where it can list them. */
export async function readDisputesOf(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  deadline_ms?: number,
): Promise<void> {
  if (!connection.opened.provider.operations['payments.disputes']) return
  const { payment, known } = await inTenant(app.db, place.tenant_id, async (tx) => ({
    payment: must(await queries.findPayment(tx, place)),
    known: await disputes.listOfPayment(tx, place),
  }))
  if (payment.vendor_id === null || (payment.status !== 'disputed' && known.length === 0)) return
  const input = { vendor_id: payment.vendor_id }
  const question = { verb: 'disputes', input, ...(deadline_ms !== undefined && { deadline_ms }) }
  const listed = toldBy(await ask<VendorDispute[]>(app, actor, connection, question))
  if (!listed) return
  const asked_at = new Map(known.map(({ vendor_id, version }) => [vendor_id, version]))
  await hear(app, place.tenant_id, place.id, listed.told, { call_id: listed.call_id, asked_at })
}

type Answered = { call_id: string; asked_at: ReadonlyMap<string, number> }

const hear = (
  app: App,
  tenant_id: string,
  payment_id: string,
  told: readonly VendorDispute[],
  { call_id, asked_at }: Answered,
): Promise<null> =>
  tell(app, tenant_id, async (tx) => {
    const payment = must(await queries.lockPayment(tx, { tenant_id, id: payment_id }))
    const drafts = []
    for (const one of told)
      drafts.push(
        ...(await applyDispute(app, tx, tenant_id, payment, one, {
          cause: 'answer',
          cause_id: call_id,
          asked_at,
        })),
      )
    return { out: null, drafts }
  })
