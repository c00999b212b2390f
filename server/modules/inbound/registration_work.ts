import { randomBytes } from 'node:crypto'
import type { Settings } from '../../kit/fields.ts'
import { addressToTell, needsSecret } from '../../kit/messages.ts'
import type { Registered, Registering } from '../../kit/registration.ts'
import { forget, inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import type { SourceOptions } from './options.ts'
import { askVendor } from './registration_ask.ts'
import * as queries from './registration_queries.ts'
import { findSource, lockSource } from './source_queries.ts'
import { addressOf, readHidden, readSecrets, writeSecrets } from './sources.ts'

/**
 * Tells a vendor the address of a source, or untells it. The vendor is asked what it has before it is asked to make one;
 * of one whose answer, and with it its secret, nobody saw, another is made in its place.
 */

/** About three hours in all; then it has failed, and whoever asked for it asks again. */
const MOST_TRIES = 12
/** Longer than all that is asked of the vendor in one go may take. */
const LEASE_MS = 300_000

/** Thrown, it is done again. */
export async function workOnRegistration(app: App, { tenant_id, payload, attempts }: Job): Promise<void> {
  const { source_id } = payload as { source_id: string }
  const place = { tenant_id, source_id }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.leaseRegistration(tx, place, LEASE_MS))
  if (!row) return throwWhileBusy(app, place)
  try {
    await (row.state === 'registering' ? register(app, row) : unregister(app, row))
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error)
    const is_over = error instanceof Problem || attempts >= MOST_TRIES
    if (!is_over) {
      await settle(app, row, { state: row.state, error: because })
      throw error
    }
    await giveUp(app, row, because)
  }
}

async function throwWhileBusy(app: App, place: queries.Place): Promise<void> {
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findRegistration(tx, place))
  if (row?.state === 'registering' || row?.state === 'unregistering')
    throw new Error('somebody else is asking the vendor')
}

type Known = { row: queries.RegistrationRow; asked: Registering; secrets: string[]; theirs: boolean }

async function register(app: App, row: queries.RegistrationRow): Promise<void> {
  const known = await readKnown(app, row)
  const { asked, theirs, secrets } = known
  if (asked.vendor_id !== null && (row.replace || !(await isAnothers(app, row, asked)))) {
    const changed = await askVendor<Registered>(app, row, 'change', asked)
    if (changed) return keep(app, known, changed)
  }
  const fresh = { ...asked, vendor_id: null }
  const found = await askVendor<Registered>(app, row, 'find', fresh)
  if (!found) return make(app, known, fresh)
  if (!isOurs(app, row, found) && !row.replace)
    throw new Problem('conflict', {
      detail: `another address is set there, at ${hostOf(found.url)}; register with replace to take its place`,
    })
  const there = { ...asked, vendor_id: found.vendor_id }
  // Its secret was told once, and we have none of it.
  const is_lost = theirs && (row.asked || secrets.length === 0)
  if (is_lost) await askVendor(app, row, 'unregister', there)
  const changed = is_lost ? null : await askVendor<Registered>(app, row, 'change', there)
  return changed ? keep(app, known, changed) : make(app, known, fresh)
}

async function make(app: App, known: Known, asked: Registering): Promise<void> {
  const { row } = known
  await inTenant(app.db, row.tenant_id, (tx) => queries.noteAsked(tx, row))
  const made = await askVendor<Registered>(app, row, 'register', asked)
  if (!made) throw new Problem('conflict', { detail: 'the vendor knows nothing of that target (404)' })
  return keep(app, known, made)
}

/** With the secret the vendor told, in one commit: from then on its messages verify. The one before holds for what is under way. */
async function keep(app: App, { row, secrets }: Known, { vendor_id, secret }: Registered): Promise<void> {
  const { tenant_id, source_id } = row
  const url = addressOf(app, row.provider, source_id)
  await inTenant(app.db, tenant_id, async (tx) => {
    if (secret !== undefined && !secrets.includes(secret)) {
      await writeSecrets(app, tx, tenant_id, source_id, [secret, ...secrets].slice(0, 2))
      forget(tx, 'source', toWire('source', source_id))
    }
    const outcome = { state: 'registered' as const, vendor_id, url, error: null, asked: false }
    await queries.settleRegistration(tx, row, outcome)
  })
}

async function unregister(app: App, row: queries.RegistrationRow): Promise<void> {
  const asked: Registering = {
    url: addressOf(app, row.provider, row.source_id),
    event_types: null,
    secret: null,
    vendor_id: row.vendor_id,
    target: row.target,
  }
  if (asked.vendor_id === null) {
    const found = await askVendor<Registered>(app, row, 'find', asked)
    if (found && isOurs(app, row, found)) asked.vendor_id = found.vendor_id
  }
  const is_ours = asked.vendor_id !== null && !(await isAnothers(app, row, asked))
  if (is_ours) await askVendor(app, row, 'unregister', asked)
  await inTenant(app.db, row.tenant_id, async (tx) => {
    if (await queries.deleteRegistration(tx, row)) return
    const outcome = { state: row.state, vendor_id: null, url: null, error: null, asked: false }
    await queries.settleRegistration(tx, row, outcome)
  })
}

/** Where the source is gone nobody is left to be told, and the vendor finds nobody at the address. */
async function giveUp(app: App, row: queries.RegistrationRow, because: string): Promise<void> {
  const { tenant_id, source_id } = row
  const is_gone = await inTenant(app.db, tenant_id, async (tx) => {
    if (await findSource(tx, tenant_id, source_id)) return false
    return queries.deleteRegistration(tx, row)
  })
  if (!is_gone) return settle(app, row, { state: 'failed', error: because })
  app.log.warn(
    { crossing: 'inbound', source: toWire('source', source_id), because },
    'a vendor was not told that a source is gone',
  )
}

/** Without a word of what the vendor has. */
async function settle(
  app: App,
  row: queries.RegistrationRow,
  { state, error }: Pick<queries.Outcome, 'state' | 'error'>,
): Promise<void> {
  await inTenant(app.db, row.tenant_id, async (tx) => {
    const now = await queries.findRegistration(tx, row)
    if (now) await queries.settleRegistration(tx, row, { ...now, state, error })
  })
}

/** Of a source that has none, a secret is made here where it is ours to make. */
async function readKnown(app: App, row: queries.RegistrationRow): Promise<Known> {
  const { tenant_id, source_id, vendor_id, target } = row
  const provider = app.providers.get(row.provider)
  const registration = provider?.webhooks?.registration
  const url = addressOf(app, row.provider, source_id)
  return inTenant(app.db, tenant_id, async (tx) => {
    const source = await lockSource(tx, tenant_id, source_id)
    if (!source || !provider || !registration)
      throw new Problem('not_found', { detail: 'the source, or what its provider says of it, is gone' })
    const hidden = await readHidden(app, tx, tenant_id, source_id)
    const settings: Settings = { ...(source.settings as Settings), ...hidden }
    const secrets = await readSecrets(app, tx, tenant_id, source_id)
    const theirs = registration.secret === 'theirs'
    if (!theirs && secrets.length === 0 && needsSecret(provider, settings)) {
      secrets.push(randomBytes(32).toString('base64url'))
      await writeSecrets(app, tx, tenant_id, source_id, secrets)
      forget(tx, 'source', toWire('source', source_id))
    }
    const secret = theirs ? null : (secrets[0] ?? null)
    const { event_types = null } = source.options as SourceOptions
    const told = addressToTell(provider, { settings, secret, url })
    return { row, asked: { url: told, event_types, secret, vendor_id, target }, secrets, theirs }
  })
}

/** Where a vendor has room for one address, somebody may have put another's in the place of ours since. */
async function isAnothers(app: App, row: queries.RegistrationRow, asked: Registering): Promise<boolean> {
  const found = await askVendor<Registered>(app, row, 'find', asked)
  if (found?.vendor_id !== asked.vendor_id) return false
  return !isOurs(app, row, found) && !(row.url !== null && found.url.startsWith(row.url))
}

/** Told by us, with whatever secret stood behind it then. */
const isOurs = (app: App, { provider, source_id }: queries.RegistrationRow, { url }: Registered): boolean =>
  url.startsWith(addressOf(app, provider, source_id))

const hostOf = (url: string): string => URL.parse(url)?.host ?? 'no address at all'
