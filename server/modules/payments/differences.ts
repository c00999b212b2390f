import { daysOf } from '../../kit/brazil/days.ts'
import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import type { VendorPayment } from '../../kit/news.ts'
import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { differencesOf } from './compare.ts'
import { wordOf } from './moves.ts'
import { untoldOf, whoseOf } from './ours.ts'
import { findByVendorIds, findUnknown } from './ours_queries.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { beginReconciliation, canList } from './reconcile.ts'
import * as reconciliations from './reconcile_queries.ts'
import {
  type BeginReconciliation,
  type Difference,
  type DifferenceQuery,
  type Reconciliation,
  type ReconciliationQuery,
  type ResolveDifference,
  toDifference,
  toReconciliation,
} from './reconcile_schema.ts'
import { refreshPayment } from './settle.ts'
import { applyWord, withoutEnded } from './told.ts'
import { checkWorld } from './world.ts'

/** What is asked of reconciliations, and what people do about what differs. */

export async function createReconciliation(
  app: App,
  actor: Actor,
  { connection_id, day }: BeginReconciliation,
): Promise<Reconciliation> {
  const connection = await useConnection(app, actor, fromWire('connection', connection_id, 'connection_id'))
  const refuse = (field: string, detail: string): never => {
    throw new Problem('invalid_request', { field, detail })
  }
  if (!canList(connection)) refuse('connection_id', `${connection.opened.provider.id} cannot list payments`)
  if (daysOf(day) === null) refuse('day', `there is no day ${day}`)
  const { tenant_id } = actor
  const about = { tenant_id, connection_id: connection.id, day, actor: actor.id, by_clock: false }
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const begun = must(await beginReconciliation(app, tx, about))
    if (begun.starts > app.clock.now()) refuse('day', `${day} has not begun`)
    await audit(tx, actor, 'reconciliation.create', toWire('reconciliation', begun.id), { day })
    return begun
  })
  return toReconciliation(row)
}

export async function readReconciliation(app: App, actor: Actor, wire_id: string): Promise<Reconciliation> {
  const place = { tenant_id: actor.tenant_id, id: fromWire('reconciliation', wire_id) }
  const row = await inTenant(app.db, place.tenant_id, (tx) => reconciliations.findReconciliation(tx, place))
  if (row) return toReconciliation(row)
  throw new Problem('not_found', { detail: `there is no reconciliation ${wire_id}` })
}

export async function listReconciliations(app: App, { tenant_id }: Actor, input: ReconciliationQuery) {
  const { limit, before } = readPage('reconciliation', input)
  const of = input.connection_id ? fromWire('connection', input.connection_id, 'connection_id') : null
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    reconciliations.listReconciliations(tx, tenant_id, of, limit, before),
  )
  return toPage('reconciliation', rows, limit, toReconciliation)
}

export async function listDifferences(app: App, { tenant_id }: Actor, input: DifferenceQuery) {
  const { limit, before } = readPage('difference', input)
  const { state, connection_id: connection, reconciliation_id: found_by } = input
  const wanted = {
    ...(state && { state }),
    ...(connection && { connection_id: fromWire('connection', connection, 'connection_id') }),
    ...(found_by && { reconciliation_id: fromWire('reconciliation', found_by, 'reconciliation_id') }),
  }
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    reconciliations.listDifferences(tx, tenant_id, wanted, limit, before),
  )
  return toPage('difference', rows, limit, toDifference)
}

/** Ends it, by who asks: with ours as the provider has it, with theirs here, or as it is. */
export async function resolveDifference(
  app: App,
  actor: Actor,
  wire_id: string,
  input: ResolveDifference,
): Promise<Difference> {
  refuseCardNumbers({ note: input.note })
  const place = { tenant_id: actor.tenant_id, id: fromWire('difference', wire_id) }
  const row = await inTenant(app.db, place.tenant_id, (tx) => reconciliations.findDifference(tx, place))
  if (!row) throw new Problem('not_found', { detail: `there is no difference ${wire_id}` })
  await checkWorld(app, actor, row.connection_id)
  if (row.state !== 'open')
    throw new Problem('conflict', { detail: `${wire_id} is resolved: ${row.resolution}` })
  const end = { resolved_by: actor.id, note: input.note ?? null }
  if (input.action === 'accept') await accept(app, actor, place, end)
  else if (input.action === 'refresh') await refresh(app, actor, place, row, end)
  else await adopt(app, actor, place, row, end)
  const ended = await inTenant(app.db, place.tenant_id, (tx) => reconciliations.findDifference(tx, place))
  return toDifference(must(ended))
}

type End = { resolved_by: string; note: string | null }

/** Throws where somebody else ended it meanwhile: then nothing of this is kept. */
async function close(
  tx: Tx,
  actor: Actor,
  place: queries.Place,
  end: Parameters<typeof reconciliations.endDifference>[2],
): Promise<void> {
  const wire_id = toWire('difference', place.id)
  if (!(await reconciliations.endDifference(tx, place, end)))
    throw new Problem('conflict', { detail: `${wire_id} was resolved meanwhile` })
  const { resolution, note } = end
  await audit(tx, actor, 'difference.resolve', wire_id, { resolution, note })
}

function accept(app: App, actor: Actor, place: queries.Place, end: End): Promise<void> {
  if (end.note === null)
    throw new Problem('invalid_request', { field: 'note', detail: 'note is missing: say why it may stay so' })
  return inTenant(app.db, place.tenant_id, (tx) =>
    close(tx, actor, place, { ...end, resolution: 'accepted' }),
  )
}

async function refresh(
  app: App,
  actor: Actor,
  place: queries.Place,
  { payment_id, connection_id, kind, theirs }: reconciliations.DifferenceRow,
  end: End,
): Promise<void> {
  if (payment_id === null)
    throw new Problem('conflict', { detail: 'there is no payment of ours to refresh; import theirs' })
  const connection: OpenConnection = await useConnection(app, actor, connection_id)
  const of_payment = { tenant_id: place.tenant_id, id: payment_id }
  if (theirs) await nameAsTheirs(app, connection, of_payment, theirs)
  const looked = await refreshPayment(app, actor, connection, of_payment)
  const is_same_money = (looked.told?.settlement_id ?? null) === (theirs?.settlement_id ?? null)
  // More may have happened since it was found; what was paid by other money stays what it is.
  const now = theirs && looked.told && is_same_money ? looked.told : theirs
  await inTenant(app.db, place.tenant_id, async (tx) => {
    const ours = must(await queries.findPayment(tx, of_payment))
    const told = now && (await withoutEnded(tx, of_payment, now))
    const left = told ? differencesOf(queries.standingOf(ours), ours.currency, told) : [kind]
    if (left.includes(kind))
      throw new Problem('conflict', {
        detail: `it still differs after ${toWire('payment', payment_id)} was read anew; accept it with a note where that is right`,
      })
    await close(tx, actor, place, { ...end, resolution: 'refreshed' })
  })
}

/** One that the vendor lists under our id, and that we had no id of the vendor's of to ask by. */
const nameAsTheirs = (
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  theirs: VendorPayment,
): Promise<void> =>
  tell(app, place.tenant_id, async (tx) => {
    const untold = await untoldOf(tx, connection, theirs)
    if (untold?.id !== place.id) return { out: undefined, drafts: [] }
    const word = wordOf(theirs, theirs.money.currency)
    const applied = await applyWord(tx, place, word, { cause: 'answer', cause_id: null })
    return { out: undefined, drafts: applied?.drafts ?? [] }
  }).catch(explain)

const METHODS: readonly string[] = ['card', 'pix', 'boleto']

/** Theirs becomes a payment of ours, moved by what the provider told of it, and told of as any other. */
async function adopt(
  app: App,
  actor: Actor,
  place: queries.Place,
  { kind, theirs, connection_id, reconciliation_id }: reconciliations.DifferenceRow,
  end: End,
): Promise<void> {
  if (kind !== 'missing_here' || !theirs)
    throw new Problem('conflict', { detail: `only what is missing here can be imported; this is ${kind}` })
  const connection = await useConnection(app, actor, connection_id)
  const found = toWire('reconciliation', reconciliation_id)
  await tell(app, place.tenant_id, async (tx) => {
    const at = { tenant_id: place.tenant_id, id: app.newId() }
    await close(tx, actor, place, { ...end, resolution: 'imported', payment_id: at.id })
    await refuseKnown(tx, connection, theirs)
    await queries.insertPayment(tx, { ...at, ...toNew(theirs, connection, actor), metadata: '{}' })
    const cause = { cause: 'answer' as const, cause_id: found }
    const applied = await applyWord(tx, at, wordOf(theirs, theirs.money.currency), cause)
    return { out: null, drafts: applied?.drafts ?? [] }
  }).catch(explain)
}

/** Its id was told of another payment of ours at this very moment: that one is it. */
function explain(error: unknown): never {
  if (sqlState(error) !== '23505') throw error
  throw new Problem('conflict', { detail: 'it became a payment of ours meanwhile; look again', cause: error })
}

/** What is here, or may be, is not imported beside itself: one charge would be two payments. */
async function refuseKnown(tx: Tx, connection: OpenConnection, theirs: VendorPayment): Promise<void> {
  const whose = whoseOf(connection)
  const [known] = await findByVendorIds(tx, whose, [theirs.vendor_id])
  const ours = known ?? (await untoldOf(tx, connection, theirs))
  if (ours) throw new Problem('conflict', { detail: `it is here by now: ${toWire('payment', ours.id)}` })
  const unknown = await findUnknown(tx, whose, theirs.money)
  if (!unknown) return
  const wire_id = toWire('payment', unknown.id)
  throw new Problem('conflict', {
    detail: `it may be ${wire_id}, of the same amount, whose outcome is not known yet; wait until it is, or resolve it`,
  })
}

function toNew({ money, method = '', created_at }: VendorPayment, connection: OpenConnection, actor: Actor) {
  const { provider } = connection.opened
  const usual = provider.payments?.methods?.[0] ?? 'card'
  return {
    connection_id: connection.id,
    provider: provider.id,
    method: (METHODS.includes(method) ? method : usual) as queries.Method,
    capture: 'automatic' as const,
    amount: money.amount,
    currency: money.currency,
    customer: null,
    description: null,
    held: false,
    // Some vendors find nothing without the day it was made.
    sent_at: created_at === undefined ? null : new Date(created_at),
    due_date: null,
    request: null,
    actor: actor.id,
  }
}
