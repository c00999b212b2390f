import type { VendorPayment } from '../../kit/news.ts'
import type { PaymentPage } from '../../kit/payments.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { timeZoneOf } from '../tenants/tenants.ts'
import { type DifferenceKind, differencesOf, isMoney } from './compare.ts'
import { oursAmong } from './ours.ts'
import * as queries from './queries.ts'
import * as reconciliations from './reconcile_queries.ts'
import { withoutEnded } from './told.ts'
import { ask, asker } from './vendor.ts'

/**
 * A day of the provider's list held against ours. What it lists is looked up here; what was taken here that day and is
 * not in its list is asked for one by one, since days are cut by two clocks. Nothing is changed: what differs is kept
 * as rows that people act on, and is gone by itself when the next look no longer finds it.
 */
export const RECONCILE = 'payments.reconcile'
const BY_JOB = { kind: 'job', id: RECONCILE } as const

type Begun = { tenant_id: string; connection_id: string; day: string; actor: string; by_clock: boolean }

/** On record with the job that does it. Null where the clock has begun it before. */
export async function beginReconciliation(
  app: App,
  tx: Tx,
  begun: Begun,
): Promise<reconciliations.ReconciliationRow | null> {
  const { tenant_id, day } = begun
  const bounds = await reconciliations.boundsOf(tx, day, await timeZoneOf(tx, tenant_id))
  const id = app.newId()
  const row = await reconciliations.insertReconciliation(tx, { ...begun, ...bounds, id })
  if (!row) return null
  const job = { tenant_id, id: app.newId(), kind: RECONCILE, payload: { reconciliation_id: id } }
  await enqueue(tx, { ...job, due: app.clock.now() })
  return row
}

/** Early in the morning, when yesterday has ended at the vendor too. */
const FROM_HOUR = 2

/** Once an hour: each connection with payments, for yesterday, once its own night is over. */
export async function reconcileYesterday(app: App): Promise<void> {
  for (const { tenant_id, connection_id } of await reconciliations.listPaying(app.db.worker)) {
    const connection = await openConnection(app, tenant_id, connection_id).catch(() => null)
    if (connection?.state !== 'enabled' || !canList(connection)) continue
    await inTenant(app.db, tenant_id, async (tx) => {
      const { day, hour } = await reconciliations.yesterdayOf(tx, await timeZoneOf(tx, tenant_id))
      if (hour < FROM_HOUR) return
      await beginReconciliation(app, tx, { tenant_id, connection_id, day, actor: RECONCILE, by_clock: true })
    })
  }
}

export const canList = ({ opened: { provider } }: OpenConnection): boolean =>
  provider.payments?.list !== undefined || provider.payments?.statement !== undefined

/** A vendor that does not answer is asked again by later attempts of the job; after these, in five hours, it failed. */
const ATTEMPTS = 14

/** `most`: how many are asked for one by one, each a call at the vendor. How many there were besides is told. */
export async function reconcile(
  app: App,
  { tenant_id, payload, attempts }: Job,
  most = MOST_ASKED,
): Promise<void> {
  const place = { tenant_id, id: (payload as { reconciliation_id: string }).reconciliation_id }
  const row = await inTenant(app.db, tenant_id, (tx) => reconciliations.findReconciliation(tx, place))
  if (row?.state !== 'running') return
  try {
    const connection = await openConnection(app, tenant_id, row.connection_id)
    const found = await compareDay(app, connection, row, most)
    await tell(app, tenant_id, (tx) => keep(tx, { ...row, tenant_id }, found))
  } catch (error) {
    if (!(error instanceof Problem) && attempts < ATTEMPTS) throw error
    await tell(app, tenant_id, (tx) => giveUp(tx, { ...row, tenant_id }, (error as Error).message))
  }
}

type Row = reconciliations.ReconciliationRow & { tenant_id: string }

async function giveUp(tx: Tx, row: Row, error: string): Promise<{ out: null; drafts: Draft[] }> {
  const end = { state: 'failed' as const, theirs: null, differences: null, left_out: null, error }
  if (!(await reconciliations.endReconciliation(tx, row, end))) return { out: null, drafts: [] }
  return { out: null, drafts: [eventOf(row, 'failed', { error })] }
}

/** How it ended. */
function eventOf(row: Row, end: 'completed' | 'failed', more: object): Draft {
  const reconciliation_id = toWire('reconciliation', row.id)
  const connection_id = toWire('connection', row.connection_id)
  const data = JSON.stringify({ reconciliation_id, connection_id, day: row.day, ...more })
  return { type: `reconciliation.${end}`, data, entity_id: reconciliation_id, found_by: [connection_id] }
}

type Found = { theirs: number; differences: reconciliations.Difference[]; left_out: string[] }

async function keep(tx: Tx, row: Row, found: Found): Promise<{ out: null; drafts: Draft[] }> {
  const { theirs, differences, left_out } = found
  const counts = { theirs, differences: differences.length, left_out: left_out.length }
  const end = { state: 'completed' as const, ...counts, error: null }
  if (!(await reconciliations.endReconciliation(tx, row, end))) return { out: null, drafts: [] }
  await reconciliations.keepDifferences(tx, row, differences)
  await reconciliations.endGone(tx, row, left_out)
  return { out: null, drafts: [eventOf(row, 'completed', counts)] }
}

async function compareDay(
  app: App,
  connection: OpenConnection,
  row: reconciliations.ReconciliationRow,
  most: number,
): Promise<Found> {
  const seen = new Set<string>()
  const differences: reconciliations.Difference[] = []
  const noted = new Set<string>()
  const note = async (ours: queries.PaymentRow | null, vendor_id: string, theirs: VendorPayment | null) => {
    for (const kind of await kindsOf(app, connection, ours, theirs))
      if (isFirst(noted, `${kind} ${vendor_id}`))
        differences.push(differenceOf(app, kind, ours, vendor_id, theirs))
  }
  const listed = new Set<string>()
  for await (const page of pagesOf(app, connection, row)) {
    // Pages overlap; and what one id was paid twice by is two.
    const fresh = page.filter((one) => isFirst(listed, `${one.vendor_id} ${one.settlement_id ?? ''}`))
    for (const { vendor_id } of fresh) seen.add(vendor_id)
    const known = await oursAmong(app, connection, fresh)
    for (const theirs of fresh) {
      const ours = known.get(theirs.vendor_id) ?? null
      // That of another connection is held against the list when its own turn comes.
      if (!ours || ours.connection_id === connection.id) await note(ours, theirs.vendor_id, theirs)
    }
  }
  const unlisted = await unlistedOf(app, connection, row, seen)
  for (const { id, vendor_id } of unlisted.slice(0, most)) {
    const place = { tenant_id: connection.tenant_id, id }
    const ours = queries.must(await inTenant(app.db, place.tenant_id, (tx) => queries.findPayment(tx, place)))
    await note(ours, vendor_id, await findOne(app, connection, ours, vendor_id))
  }
  const left_out = unlisted.slice(most).map(({ vendor_id }) => vendor_id)
  return { theirs: listed.size, differences, left_out }
}

const isFirst = (known: Set<string>, key: string): boolean => known.size < known.add(key).size

type Unlisted = reconciliations.Taken[]

/** Ours that were taken that day and are not in the vendor's list, all of them. */
async function unlistedOf(
  app: App,
  { tenant_id, id: connection_id }: OpenConnection,
  row: reconciliations.ReconciliationRow,
  seen: ReadonlySet<string>,
): Promise<Unlisted> {
  const unlisted: Unlisted = []
  let after: reconciliations.Taken | null = null
  do {
    const page: Unlisted = await inTenant(app.db, tenant_id, (tx) =>
      reconciliations.listTakenBetween(tx, { tenant_id, connection_id }, row, TAKEN_PAGE, after),
    )
    unlisted.push(...page.filter(({ vendor_id }) => !seen.has(vendor_id)))
    after = page.length < TAKEN_PAGE ? null : (page.at(-1) ?? null)
  } while (after !== null)
  return unlisted
}

const TAKEN_PAGE = 1_000
const MOST_ASKED = 200
const MOST_PAGES = 2_000
const PAGE = 100

async function kindsOf(
  app: App,
  { tenant_id }: OpenConnection,
  ours: queries.PaymentRow | null,
  theirs: VendorPayment | null,
): Promise<DifferenceKind[]> {
  if (!ours) return theirs && isMoney(theirs) ? ['missing_here'] : []
  if (!theirs) return ['missing_there']
  const found = differencesOf(queries.standingOf(ours), ours.currency, theirs)
  if (found.length === 0 || theirs.status !== 'disputed') return found
  const told = await inTenant(app.db, tenant_id, (tx) => withoutEnded(tx, { tenant_id, id: ours.id }, theirs))
  return differencesOf(queries.standingOf(ours), ours.currency, told)
}

function differenceOf(
  app: App,
  kind: DifferenceKind,
  ours: queries.PaymentRow | null,
  vendor_id: string,
  theirs: VendorPayment | null,
): reconciliations.Difference {
  const { action: _action, ...told } = theirs ?? ({} as VendorPayment)
  return {
    id: app.newId(),
    kind,
    vendor_id,
    payment_id: ours?.id ?? null,
    ours: ours && snapshotOf(ours),
    theirs: theirs && told,
  }
}

const snapshotOf = ({ status, amount, currency, captured, refunded }: queries.PaymentRow) => ({
  ...{ status, amount, currency, captured, refunded },
})

async function* pagesOf(
  app: App,
  connection: OpenConnection,
  { starts, ends }: reconciliations.ReconciliationRow,
): AsyncGenerator<VendorPayment[]> {
  const { payments } = connection.opened.provider
  const stretch = { from: starts.toISOString(), to: ends.toISOString() }
  if (!payments?.list) {
    yield await told<VendorPayment[]>(app, connection, 'statement', stretch)
    return
  }
  let after: string | null = null
  for (let page = 0; page < MOST_PAGES; page++) {
    const input: object = { ...stretch, limit: PAGE, ...(after !== null && { after }) }
    const { payments: listed, next }: PaymentPage = await told(app, connection, 'list', input)
    yield listed
    if (next === null) return
    after = next
  }
  throw new Error(`the vendor lists more than ${MOST_PAGES * PAGE} payments`)
}

/** Anything but an answer is thrown, and asked again by the next attempt. */
async function told<Told>(app: App, connection: OpenConnection, verb: string, input: object): Promise<Told> {
  const answer = await ask<Told>(app, asker(connection, BY_JOB), connection, { verb, input })
  if (answer.kind === 'told') return answer.told
  throw new Error(
    `the vendor did not list: ${answer.kind === 'refused' ? answer.failure.message : answer.because}`,
  )
}

/** Null where the vendor says that there is none. */
async function findOne(
  app: App,
  connection: OpenConnection,
  ours: queries.PaymentRow,
  vendor_id: string,
): Promise<VendorPayment | null> {
  const input = { vendor_id, created_at: queries.sentAt(ours).toISOString() }
  const answer = await ask<VendorPayment | null>(app, asker(connection, BY_JOB), connection, {
    verb: 'find',
    input,
  })
  if (answer.kind === 'told') return answer.told
  if (answer.kind === 'refused' && answer.failure.reason === 'not_found') return null
  throw new Error(`the vendor did not say how ${vendor_id} is`)
}
