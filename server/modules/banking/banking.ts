import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { stand, standDown } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import {
  addConnection,
  checkEnvironment,
  type Environment,
  type OpenConnection,
  openConnection,
  updateConnection,
} from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import { audit, timeZoneOf } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { isConsentOfAnother } from './consent_queries.ts'
import { sayFarewell } from './farewell.ts'
import * as queries from './queries.ts'
import { type Bank, type BankQuery, type CreateBank, toBank, type UpdateBank } from './schema.ts'
import { GONE } from './sync.ts'
import { endSync, findOpen } from './sync_queries.ts'
import { SYNC } from './vendor.ts'
import { checkWorldOf } from './worlds.ts'

/**
 * The banks of a tenant's people. Each stands on a connection, whose secrets are sealed with all others; what it tells
 * of accounts, balances and transactions is kept equal to the bank by syncs, in our own ids.
 */

export async function createBank(app: App, actor: Actor, input: CreateBank): Promise<Bank> {
  checkCode(input.bank_code)
  if (input.provider !== undefined) checkBanking(app, input.provider)
  const named = await namedConnection(app, actor, input)
  return inTenant(app.db, actor.tenant_id, async (tx) =>
    toBank(await addBank(app, tx, actor, input, { named })),
  )
}

/** With its connection, in one commit: a new one, or the `named`. `contract_key`: see `connectBank`. */
export async function addBank(
  app: App,
  tx: Tx,
  actor: Actor,
  input: CreateBank,
  { named = null, contract_key = null }: { named?: OpenConnection | null; contract_key?: Buffer | null },
): Promise<queries.BankRow> {
  const { tenant_id } = actor
  const { user_id, name, bank_code } = input
  if ((await queries.countOwn(tx, tenant_id, user_id)) >= queries.MOST_BANKS)
    throw new Problem('conflict', { detail: `one person has at most ${queries.MOST_BANKS} banks` })
  const id = app.newId()
  const row = await queries.insertBank(tx, {
    ...{ tenant_id, id, user_id, name, bank_code },
    ...(await connectionFor(app, tx, actor, input, named)),
    schedule: input.schedule === undefined ? usualSchedule(id) : input.schedule,
    contract_key,
  })
  if (row.schedule) await keepSchedule(app, tx, actor, row.id, row.schedule)
  await audit(tx, actor, 'bank.create', toWire('bank', row.id), {
    user_id,
    bank_code,
    provider: row.provider,
  })
  return row
}

type Standing = Pick<queries.BankRow, 'provider' | 'connection_id' | 'owns_connection'>

/** Opened before the transaction that it is wanted in, as that may take a database connection of its own. */
async function namedConnection(
  app: App,
  actor: Actor,
  { connection_id, provider }: CreateBank,
): Promise<OpenConnection | null> {
  if (provider !== undefined || connection_id === undefined) return null
  const id = fromWire('connection', connection_id, 'connection_id')
  const connection = await openConnection(app, actor.tenant_id, id)
  checkEnvironment(actor, connection.environment)
  checkBanking(app, connection.opened.provider.id)
  return connection
}

async function connectionFor(
  app: App,
  tx: Tx,
  actor: Actor,
  { connection_id, provider, environment, settings, credentials, name, user_id }: CreateBank,
  named: OpenConnection | null,
): Promise<Standing> {
  if (named) {
    const { id, opened } = named
    if (opened.provider.banking?.consents) await checkFree(tx, actor.tenant_id, id, user_id)
    return { provider: opened.provider.id, connection_id: id, owns_connection: false }
  }
  if (provider === undefined || connection_id !== undefined)
    throw new Problem('invalid_request', {
      field: 'provider',
      detail: 'give either connection_id, or provider with its settings and credentials',
    })
  const made = await addConnection(app, tx, actor, {
    ...{ provider, name: name.slice(0, 100) },
    environment: environment ?? (actor.environment === 'live' ? 'production' : 'development'),
    ...(settings && { settings }),
    ...(credentials && { credentials }),
  })
  return { provider, connection_id: fromWire('connection', made.id), owns_connection: true }
}

/**
 * A token is of a connection, and a consent of a bank: were there two banks on one, what the person of either agreed to
 * would be read as the other's. A visit that another person began may still bring a token long after their bank is gone.
 */
async function checkFree(tx: Tx, tenant_id: string, id: string, user_id: string): Promise<void> {
  await queries.takeTurn(tx, tenant_id, `connection ${id}`)
  const place = { tenant_id, id }
  if (!(await queries.isStoodOn(tx, place)) && !(await isConsentOfAnother(tx, place, user_id))) return
  throw new Problem('conflict', {
    field: 'connection_id',
    detail: `connection ${toWire('connection', id)} is that of another bank; each needs one of its own, with its own token`,
  })
}

function checkBanking(app: App, id: string): void {
  const provider = app.providers.get(id)
  if (!provider || provider.banking) return
  throw new Problem('invalid_request', { field: 'provider', detail: `${id} tells nothing of bank accounts` })
}

/** `001` is what people know a bank by, and another bank's ISPB may begin so. */
export function checkCode(bank_code: string): void {
  if (!/^[0-9]+$/.test(bank_code) || bank_code.length === 8) return
  throw new Problem('invalid_request', {
    field: 'bank_code',
    detail: `bank_code is the ISPB, eight digits such as 00000000 for Banco do Brasil, not ${bank_code}`,
  })
}

const placeOf = ({ tenant_id }: Actor, wire_id: string): queries.Place => ({
  tenant_id,
  id: fromWire('bank', wire_id),
})

function found(row: queries.BankRow | undefined, wire_id: string): queries.BankRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no bank ${wire_id}` })
}

export async function readBank(app: App, actor: Actor, wire_id: string): Promise<Bank> {
  const place = placeOf(actor, wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBank(tx, place))
  return toBank(found(row, wire_id))
}

export async function listBanks(app: App, actor: Actor, input: BankQuery) {
  const { limit, before } = readPage('bank', input)
  const { user_id, state } = input
  const connection_id =
    input.connection_id === undefined
      ? undefined
      : fromWire('connection', input.connection_id, 'connection_id')
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listBanks(tx, actor.tenant_id, { user_id, state, connection_id }, limit, before),
  )
  return toPage('bank', rows, limit, toBank)
}

/** Settings and credentials go to its connection, each replaced as a whole. */
export async function updateBank(app: App, actor: Actor, wire_id: string, input: UpdateBank): Promise<Bank> {
  const place = placeOf(actor, wire_id)
  const { settings, credentials, ...own } = input
  const before = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBank(tx, place))
  const { connection_id } = found(before, wire_id)
  await checkWorldOf(app, actor, { connection_id })
  if (connection_id && (settings || credentials))
    await updateConnection(app, actor, toWire('connection', connection_id), {
      ...(settings && { settings }),
      ...(credentials && { credentials }),
    })
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    found(await queries.lockBank(tx, place), wire_id)
    const is_other = own.name !== undefined || settings || credentials
    const row = await queries.updateBank(tx, place, {
      ...own,
      ...(own.state && { reason: null }),
      ...(is_other && { contract_key: null }), // it is no longer what was sent to connect it
    })
    if (input.schedule !== undefined) await keepSchedule(app, tx, actor, place.id, input.schedule)
    await audit(tx, actor, 'bank.update', wire_id, { changed: Object.keys(input) })
    return toBank(row)
  })
}

/** What it told stays; the secrets of its connection go at once, or as soon as the bank knows that its consents are over. */
export async function deleteBank(app: App, actor: Actor, wire_id: string): Promise<void> {
  const place = placeOf(actor, wire_id)
  const before = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBank(tx, place))
  const bank = found(before, wire_id)
  const environment = await checkWorldOf(app, actor, bank)
  await tell(app, actor.tenant_id, async (tx) => ({
    out: undefined,
    drafts: await dropBank(app, tx, actor, bank, environment),
  }))
}

/** What is under way is ended first: whoever does it locks its work before the bank. */
async function dropBank(
  app: App,
  tx: Tx,
  actor: Actor,
  { id }: queries.BankRow,
  environment: Environment | null,
): Promise<Draft[]> {
  const place = { tenant_id: actor.tenant_id, id }
  const open = await findOpen(tx, actor.tenant_id, id)
  if (open) await endSync(tx, { tenant_id: actor.tenant_id, id: open.id }, GONE)
  const row = await queries.lockBank(tx, place)
  if (!row) return []
  await standDown(tx, actor.tenant_id, scheduleOf(id))
  await queries.updateBank(tx, place, {
    deleted_at: app.clock.now(),
    connection_id: null,
    ...(environment && { environment }),
  })
  const drafts = await sayFarewell(app, tx, actor, row)
  await audit(tx, actor, 'bank.delete', toWire('bank', id))
  return drafts
}

const scheduleOf = (id: string): string => `bank ${id}`

/** In the tenant's time zone; null ends it. */
async function keepSchedule(app: App, tx: Tx, actor: Actor, id: string, cron: string | null): Promise<void> {
  const { tenant_id } = actor
  if (cron === null) return standDown(tx, tenant_id, scheduleOf(id))
  const time_zone = await timeZoneOf(tx, tenant_id)
  const order = { tenant_id, name: scheduleOf(id), cron, time_zone, kind: SYNC, payload: { bank_id: id } }
  await stand(tx, app.clock, order).catch((cause: unknown) => {
    throw new Problem('invalid_request', {
      field: 'schedule',
      detail: 'schedule must be five fields of cron that come round, such as 30 6 * * *',
      cause,
    })
  })
}

/** Once a day, in the small hours, each bank at a minute of its own. */
function usualSchedule(id: string): string {
  const spread = Number.parseInt(id.slice(-6), 16)
  return `${spread % 60} ${3 + (spread % 4)} * * *`
}

export { findAccount } from './account_queries.ts'
export { findConsent } from './consent_queries.ts'
export { findTransaction } from './list_queries.ts'
export { reactToBank } from './news.ts'
export { findBank } from './queries.ts'
export * from './search_queries.ts'
export { listSyncs, readSync, syncBank } from './syncs.ts'
