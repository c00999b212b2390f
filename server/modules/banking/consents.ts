import type { Consents, VendorConsent } from '../../kit/banking.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { enqueue } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import {
  beginVisit,
  checkEnvironment,
  type OpenConnection,
  openConnection,
} from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as queries from './consent_queries.ts'
import {
  type Consent,
  type CreateConsent,
  type CreatedConsent,
  type ExtendConsent,
  toConsent,
  type VisitConsent,
} from './consent_schema.ts'
import { dropTokenOf } from './consent_tokens.ts'
import { draftOf } from './consent_told.ts'
import { type BankRow, findBank, lockBank, type Place } from './queries.ts'
import { enqueueRevoke } from './revocations.ts'
import { ask, type Trouble } from './vendor.ts'

/**
 * What a bank's customer lets us read. The bank alone says what becomes of a consent; here is what it said last, and the
 * token that came of it. Whatever ends it, the token is gone in the same commit.
 */

export const CAME_BACK = 'banking.consent_back'
export const LOOK = 'banking.consent_look'

/** An hour, and then the bank ends it. */
const VISIT_LIFE_MS = 3_600_000

const USUAL_PERMISSIONS = [
  'ACCOUNTS_READ',
  'ACCOUNTS_BALANCES_READ',
  'ACCOUNTS_OVERDRAFT_LIMITS_READ',
  'ACCOUNTS_TRANSACTIONS_READ',
  'CREDIT_CARDS_ACCOUNTS_READ',
  'CREDIT_CARDS_ACCOUNTS_BILLS_READ',
  'CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ',
  'CREDIT_CARDS_ACCOUNTS_LIMITS_READ',
  'CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ',
  'RESOURCES_READ',
]

/** On record before the bank is asked; the address is good for a minute, and `visitConsent` gives another. */
export async function createConsent(
  app: App,
  actor: Actor,
  bank_wire_id: string,
  input: CreateConsent,
): Promise<CreatedConsent> {
  const { tenant_id } = actor
  const bank = await mustFindBank(app, { tenant_id, id: fromWire('bank', bank_wire_id) })
  const connection = await connectionOf(app, actor, bank)
  const id = app.newId()
  const place = { tenant_id, id }
  const permissions = input.permissions ?? USUAL_PERMISSIONS
  const { id: connection_id } = connection
  const look_at = new Date(app.clock.now().getTime() + VISIT_LIFE_MS)
  await inTenant(app.db, tenant_id, async (tx) => {
    const { id: bank_id, user_id } = bank
    // Whoever removes the bank ends all of its consents, this one as well.
    if (!(await lockBank(tx, { tenant_id, id: bank_id }))) throw noBank({ tenant_id, id: bank_id })
    await queries.insertConsent(tx, { ...place, bank_id, user_id, connection_id, permissions, look_at })
    await audit(tx, actor, 'bank_consent.create', toWire('bank_consent', id), { bank_id: bank_wire_id })
  })
  const { return_to, ...asked } = input
  const wanted = { ...asked, permissions }
  const heard = await ask<VendorConsent>(app, connection, 'banking.consents.create', wanted, actor)
  if ('trouble' in heard) throw await notCreated(app, place, heard.trouble)
  const row = await inTenant(app.db, tenant_id, (tx) =>
    queries.moveConsent(tx, place, ['CREATING'], fromVendor(heard.told)),
  )
  if (!row) throw new Problem('conflict', { detail: 'the bank took too long to answer; begin again' })
  return { ...toConsent(row), ...(await visit(app, actor, connection, row, { return_to })) }
}

const fromVendor = ({ vendor_id, permissions, expires_at }: VendorConsent) => ({
  vendor_id,
  state: 'AWAITING_AUTHORISATION' as const,
  permissions,
  expires_at: expires_at === null ? null : new Date(expires_at),
})

/** Whatever the bank may have made of it ends there by itself within the hour: nobody is ever sent to it. */
async function notCreated(app: App, place: Place, { code, message, vendor_code }: Trouble): Promise<Problem> {
  const detail = vendor_code === null ? message : `${message} (${vendor_code})`
  const rejection = { code: 'CONSENT_TECHNICAL_ISSUE', by: 'TPP', detail }
  await inTenant(app.db, place.tenant_id, (tx) =>
    queries.moveConsent(tx, place, ['CREATING'], { state: 'REJECTED', rejection }),
  )
  return new Problem(code === 'rate_limited' ? 'rate_limited' : 'vendor_failed', { detail })
}

/** Another address for the person to be sent to, while the bank still waits for them. */
export async function visitConsent(app: App, actor: Actor, wire_id: string, input: VisitConsent) {
  const row = await mustFind(app, actor, wire_id)
  const bank = await mustFindBank(app, { tenant_id: actor.tenant_id, id: row.bank_id })
  const connection = await connectionOf(app, actor, bank)
  if (row.state !== 'AWAITING_AUTHORISATION')
    throw new Problem('conflict', { detail: `the consent is ${row.state}; nobody is awaited` })
  return visit(app, actor, connection, row, input)
}

async function visit(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { id, vendor_id }: queries.ConsentRow,
  { return_to }: { return_to?: string | undefined },
) {
  const { url, expires_at } = await beginVisit(app, actor, connection, {
    ...(return_to !== undefined && { return_to }),
    scope: `consent:${vendor_id}`,
    afterwards: { kind: CAME_BACK, payload: { consent_id: id } },
    life_ms: VISIT_LIFE_MS,
  })
  return { redirect_url: url, redirect_expires_at: expires_at }
}

export const readConsent = async (app: App, actor: Actor, wire_id: string): Promise<Consent> =>
  toConsent(await mustFind(app, actor, wire_id))

export async function listConsents(app: App, actor: Actor, bank_wire_id: string, input: PageInput) {
  const { tenant_id } = actor
  const { limit, before } = readPage('bank_consent', input)
  const { id: bank_id } = await mustFindBank(app, { tenant_id, id: fromWire('bank', bank_wire_id) })
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listConsents(tx, tenant_id, { bank_id }, limit, before),
  )
  return toPage('bank_consent', rows, limit, toConsent)
}

/** Of all banks. */
export async function listAllConsents(app: App, actor: Actor, input: PageInput) {
  const { tenant_id } = actor
  const { limit, before } = readPage('bank_consent', input)
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listConsents(tx, tenant_id, {}, limit, before),
  )
  return toPage('bank_consent', rows, limit, toConsent)
}

/** For as long as the person says; asked in their name, so that only they can. */
export async function extendConsent(
  app: App,
  actor: Actor,
  wire_id: string,
  input: ExtendConsent,
): Promise<Consent> {
  const row = await mustFind(app, actor, wire_id)
  const { tenant_id, id, vendor_id } = row
  if (row.state !== 'AUTHORISED' || vendor_id === null)
    throw new Problem('conflict', {
      detail: `the consent is ${row.state}; only one that holds can be extended`,
    })
  const bank = await mustFindBank(app, { tenant_id, id: row.bank_id })
  const connection = await connectionOf(app, actor, bank)
  if (!consentsOf(connection).extend)
    throw new Problem('conflict', { detail: 'this bank extends no consents; ask for a new one' })
  const wanted = { ...input, vendor_id }
  const heard = await ask<VendorConsent>(app, connection, 'banking.consents.extend', wanted, actor)
  if ('trouble' in heard) throw notDone(heard.trouble)
  const expires_at = heard.told.expires_at === null ? null : new Date(heard.told.expires_at)
  const moved = await inTenant(app.db, tenant_id, async (tx) => {
    await audit(tx, actor, 'bank_consent.extend', wire_id)
    return queries.moveConsent(tx, { tenant_id, id }, ['AUTHORISED'], { expires_at, warned_at: null })
  })
  return moved ? toConsent(moved) : readConsent(app, actor, wire_id)
}

const notDone = ({ message, vendor_code }: Trouble): Problem =>
  new Problem('vendor_failed', { detail: vendor_code === null ? message : `${message} (${vendor_code})` })

/** Here at once, with its token; the bank is told as soon as it can be, and anew where it was given up to tell it. */
export async function revokeConsent(app: App, actor: Actor, wire_id: string): Promise<void> {
  const row = await mustFind(app, actor, wire_id)
  checkEnvironment(actor, (await openConnection(app, row.tenant_id, row.connection_id)).environment)
  const ended = row.revocation === 'failed' ? await tellAnew(app, actor, row) : await revoke(app, actor, row)
  if (!ended) throw new Problem('conflict', { detail: 'the consent is over already' })
  app.db.notify('trilho_job', 'new')
}

function revoke(app: App, actor: Actor, row: queries.ConsentRow): Promise<boolean> {
  const code = row.state === 'AUTHORISED' ? 'CUSTOMER_MANUALLY_REVOKED' : 'CUSTOMER_MANUALLY_REJECTED'
  return endConsent(app, row, { code, by: 'USER', detail: null }, async (tx) => {
    await audit(tx, actor, 'bank_consent.revoke', toWire('bank_consent', row.id))
    if (row.vendor_id !== null) await enqueueRevoke(app, tx, row)
  })
}

const tellAnew = (app: App, actor: Actor, row: queries.ConsentRow): Promise<boolean> =>
  inTenant(app.db, row.tenant_id, async (tx) => {
    await audit(tx, actor, 'bank_consent.revoke', toWire('bank_consent', row.id))
    await enqueueRevoke(app, tx, row)
    return true
  })

/** False where it was over. `also` is of the same commit. */
export function endConsent(
  app: App,
  { tenant_id, id, bank_id }: Place & { bank_id: string },
  rejection: NonNullable<VendorConsent['rejection']>,
  also: (tx: Tx) => Promise<unknown> = async () => {},
): Promise<boolean> {
  return tell(app, tenant_id, async (tx) => {
    // Before its consents, as by all who end several of one bank.
    await lockBank(tx, { tenant_id, id: bank_id })
    const before = await queries.findConsent(tx, { tenant_id, id })
    const from = before?.state
    if (!before || !from || from === 'REJECTED') return { out: false, drafts: [] }
    const change = { state: 'REJECTED' as const, rejection }
    const row = await queries.moveConsent(tx, { tenant_id, id }, [from], change)
    if (!row) return { out: false, drafts: [] }
    const has_token = from === 'AUTHORISED' || before.let_in_at !== null
    const others = has_token ? await dropTokenOf(app, tx, row) : []
    await also(tx)
    const type = from === 'AUTHORISED' ? 'consent.revoked' : 'consent.rejected'
    return { out: true, drafts: [draftOf(type, row), ...others] }
  })
}

/** Whether the bank may be asked now, and by which consent. */
export const currentConsent = (
  app: App,
  tx: Tx,
  tenant_id: string,
  bank_id: string,
): Promise<queries.ConsentRow | undefined> =>
  queries.findCurrent(tx, { tenant_id, id: bank_id }, app.clock.now())

/** Of what a bank says to a sync, as if nobody had agreed. */
export async function suspect(app: App, tx: Tx, tenant_id: string, bank_id: string): Promise<void> {
  const now = app.clock.now()
  const row = await queries.findCurrent(tx, { tenant_id, id: bank_id }, now)
  if (!row) return
  await queries.moveConsent(tx, row, ['AUTHORISED'], { look_at: new Date(now.getTime() - 1) })
  const payload = { consent_id: row.id }
  await enqueue(tx, { tenant_id, id: app.newId(), kind: LOOK, payload, due: now })
}

async function mustFind(app: App, { tenant_id }: Actor, wire_id: string): Promise<queries.ConsentRow> {
  const id = fromWire('bank_consent', wire_id)
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findConsent(tx, { tenant_id, id }))
  if (row) return row
  throw new Problem('not_found', { detail: `there is no consent ${wire_id}` })
}

async function mustFindBank(app: App, place: Place): Promise<BankRow> {
  const bank = await inTenant(app.db, place.tenant_id, (tx) => findBank(tx, place))
  if (bank) return bank
  throw noBank(place)
}

const noBank = ({ id }: Place): Problem =>
  new Problem('not_found', { detail: `there is no bank ${toWire('bank', id)}` })

/** Ready to be asked for this actor; a bank that asks nobody has no consents. */
async function connectionOf(app: App, actor: Actor, { connection_id, provider }: BankRow) {
  if (connection_id === null) throw new Problem('conflict', { detail: 'the bank has no connection any more' })
  const connection = await openConnection(app, actor.tenant_id, connection_id)
  checkEnvironment(actor, connection.environment)
  if (connection.state !== 'enabled')
    throw new Problem('conflict', { detail: 'the connection of this bank is disabled; enable it first' })
  if (connection.opened.provider.banking?.consents) return connection
  throw new Problem('conflict', {
    detail: `${provider} wants nobody's consent; the bank is synced without one`,
  })
}

function consentsOf({ opened }: OpenConnection): Consents {
  const { consents } = opened.provider.banking ?? {}
  if (!consents) throw new Error(`${opened.provider.id} has no consents`)
  return consents
}
