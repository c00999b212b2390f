import { identityOf } from '../../kit/auth.ts'
import type { OwnLimits } from '../../kit/call_limits.ts'
import { type Credentials, withDefaults } from '../../kit/fields.ts'
import type { MappingRef } from '../../kit/mapping/mapping.ts'
import { manifest, type Provider, perSettings } from '../../kit/provider.ts'
import type { Opened } from '../../kit/transports/http.ts'
import { forget, inTenant, once, remember, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { keepUse } from '../mappings/mappings.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { checkEnvironment, checkedLimits, checkWorld, fitting, worldOf } from './fitting.ts'
import * as queries from './queries.ts'
import { type CreateConnection, type UpdateConnection, withCredentials } from './schema.ts'
import { dropToken } from './tokens.ts'

/**
 * A tenant's accounts at its providers: settings that fit the provider's manifest, credentials that go to the
 * vault and never come back, and what was last seen of the other side. Other rooms get a connection by
 * `openConnection`, with its credentials, and hand nothing of it on. Test and live are apart: a test key never
 * changes or uses a production connection, a live key no other.
 */

export type Environment = queries.Environment

export { accountOf } from './account.ts'
export { watchConnections } from './active.ts'
export { beginVisit } from './oauth.ts'
export {
  ANY_OWN_LIMITS,
  ANY_UNHEALTHY,
  anyConnectionChangedSince,
  findConnection,
  type LimitedConnection,
  listEnabledOf,
  listNamed,
  listUnhealthy,
  summarize,
} from './queries.ts'
export { noteSeen, setHealth } from './seen.ts'
export {
  ANY_RENEWABLE,
  type Claim,
  claimToken,
  dropToken as dropAuthorization,
  type KeptToken,
  listRenewable,
  onTokenChange,
  type Place,
  readToken,
  refuseToken,
  releaseToken,
  writeToken,
} from './tokens.ts'

export const listProviders = (app: App) => ({
  data: [...app.providers.values()].map(manifest).sort((a, b) => (a.id < b.id ? -1 : 1)),
})

export function readProvider(app: App, id: string) {
  const provider = app.providers.get(id)
  if (!provider)
    throw new Problem('not_found', { detail: `there is no provider ${id}; ${knownProviders(app)}` })
  return manifest(provider)
}

const knownProviders = (app: App) => `the known ones are ${[...app.providers.keys()].sort().join(', ')}`

export const createConnection = (app: App, actor: Actor, input: CreateConnection) =>
  inTenant(app.db, actor.tenant_id, (tx) => addConnection(app, tx, actor, input))

/** As `createConnection`, in the commit of what the connection is made for. */
export async function addConnection(app: App, tx: Tx, actor: Actor, input: CreateConnection) {
  const { tenant_id } = actor
  const provider = app.providers.get(input.provider)
  if (!provider) {
    const detail = `provider ${input.provider} does not exist; ${knownProviders(app)}`
    throw new Problem('invalid_settings', {
      field: 'provider',
      detail,
      errors: [{ field: 'provider', reason: detail }],
    })
  }
  checkEnvironment(actor, input.environment)
  const { settings, credentials } = fitting(provider, input.settings ?? {}, input.credentials ?? {})
  checkWorld(provider, input.environment, settings, credentials)
  const id = app.newId()
  const { name, environment } = input
  const row = await queries.insertConnection(tx, {
    tenant_id,
    id,
    provider: provider.id,
    name,
    description: input.description ?? null,
    created_by: actor.id,
    environment,
    settings,
    limits: checkedLimits(input.limits),
    mapping: input.mapping ?? {},
    keep_bodies_days: input.keep_bodies?.until_days ?? null,
    call_events: input.call_events ?? 'none',
  })
  await keepUse(tx, { tenant_id, connection_id: id, operation: '' }, input.mapping, worldOf(environment))
  const owner = { tenant_id, owner_id: id }
  await putCredentials(app, tx, owner, credentials)
  await audit(tx, actor, 'connection.create', toWire('connection', id), {
    provider: provider.id,
    environment,
  })
  return withCredentials(row, Object.keys(credentials), await app.vault.setAt(tx, owner))
}

export async function readConnection(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('connection', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = found(await queries.findConnection(tx, tenant_id, id), id)
    const owner = { tenant_id, owner_id: id }
    const credentials = await app.vault.getAll(tx, owner)
    return withCredentials(row, Object.keys(credentials), await app.vault.setAt(tx, owner))
  })
}

export async function listConnections(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('connection', input)
  const { tenant_id } = actor
  const { rows, held } = await inTenant(app.db, tenant_id, async (tx) => {
    const rows = await queries.listConnections(tx, tenant_id, limit, before)
    const ids = rows.map(({ id }) => id)
    return { rows, held: await app.vault.heldOf(tx, tenant_id, ids) }
  })
  return toPage('connection', rows, limit, (row) =>
    withCredentials(row, held.get(row.id)?.fields ?? [], held.get(row.id)?.at ?? null),
  )
}

/** Settings and credentials are each replaced as a whole, and checked together with what stays. */
export async function updateConnection(app: App, actor: Actor, wire_id: string, input: UpdateConnection) {
  const id = fromWire('connection', wire_id)
  const { tenant_id } = actor
  const owner = { tenant_id, owner_id: id }
  return inTenant(app.db, tenant_id, async (tx) => {
    const before = found(await queries.lockConnection(tx, tenant_id, id), id)
    checkEnvironment(actor, before.environment)
    checkEnvironment(actor, input.environment ?? before.environment)
    const kept = await app.vault.getAll(tx, owner)
    const fits =
      input.settings || input.credentials
        ? fitting(
            providerOf(app, before.provider),
            input.settings ?? before.settings,
            input.credentials ?? kept,
            before.settings,
          )
        : { settings: before.settings, credentials: kept }
    if (input.settings || input.credentials || input.environment) {
      const provider = providerOf(app, before.provider)
      checkWorld(provider, input.environment ?? before.environment, fits.settings, fits.credentials)
    }
    if (input.credentials) await putCredentials(app, tx, owner, fits.credentials)
    const { name, description, state, environment, limits, mapping, keep_bodies, call_events } = input
    const row = await queries.updateConnection(tx, tenant_id, id, {
      settings: fits.settings,
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      ...(state !== undefined && { state }),
      ...(limits !== undefined && { limits: checkedLimits(limits) }),
      ...(mapping !== undefined && { mapping }),
      ...(call_events !== undefined && { call_events }),
      ...(keep_bodies !== undefined && { keep_bodies_days: keep_bodies?.until_days ?? null }),
      ...(environment !== undefined && { environment }),
    })
    const user = { tenant_id, connection_id: id, operation: '' }
    await keepUse(tx, user, row.mapping, worldOf(row.environment))
    forget(tx, 'connection', `${tenant_id} ${id}`)
    await audit(tx, actor, 'connection.update', wire_id, { changed: Object.keys(input) })
    return withCredentials(row, Object.keys(fits.credentials), await app.vault.setAt(tx, owner))
  })
}

export async function deleteConnection(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('connection', wire_id)
  await inTenant(app.db, actor.tenant_id, (tx) => removeConnection(app, tx, actor, id)).catch(
    (error: unknown) => {
      if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw error
      const detail = `connection ${wire_id} is used by a source or a bank; delete that first, or disable the connection`
      throw new Problem('conflict', { detail, cause: error })
    },
  )
}

/** As `deleteConnection`, in the commit that ends what the connection was made for. */
export async function removeConnection(app: App, tx: Tx, actor: Actor, id: string): Promise<void> {
  const { tenant_id } = actor
  const row = found(await queries.lockConnection(tx, tenant_id, id), id)
  checkEnvironment(actor, row.environment)
  await dropToken(app, tx, { tenant_id, connection_id: id })
  await queries.deleteConnection(tx, tenant_id, id)
  await app.vault.drop(tx, { tenant_id, owner_id: id })
  forget(tx, 'connection', `${tenant_id} ${id}`)
  const about = { provider: row.provider, name: row.name }
  await audit(tx, actor, 'connection.delete', toWire('connection', id), about)
}

const FOREIGN_KEY_VIOLATION = '23503'

async function putCredentials(
  app: App,
  tx: Tx,
  owner: { tenant_id: string; owner_id: string },
  credentials: Credentials,
): Promise<void> {
  await app.vault.drop(tx, owner)
  for (const [field, value] of Object.entries(credentials))
    await app.vault.put(tx, { ...owner, field }, value)
}

const notFound = (id: string) =>
  new Problem('not_found', { detail: `there is no connection ${toWire('connection', id)}` })

function found<Row>(row: Row | null | undefined, id: string): Row {
  if (!row) throw notFound(id)
  return row
}

function providerOf(app: App, id: string): Provider {
  const provider = app.providers.get(id)
  if (provider) return provider
  throw new Problem('conflict', { detail: `this server does not have the provider ${id} of this connection` })
}

/** A connection ready for use. Holds plaintext credentials: never log it, never hand it to a caller. */
export type OpenConnection = {
  tenant_id: string
  id: string
  name: string
  environment: Environment
  state: queries.State
  version: number
  /** Where it differs from what the provider's manifest says. */
  limits: OwnLimits
  /** Of its calls, unless their operation or they themselves have one. */
  mapping: MappingRef
  /** For how long what its attempts send and are answered is kept whole; null: it is not. */
  keep_bodies_days: number | null
  call_events: queries.CallEvents
  /** What the kit needs to build, authenticate and mask requests. */
  opened: Opened
}

/** As it is now, by tenant and id; a change is seen by every process within milliseconds of its commit. */
export async function openConnection(app: App, tenant_id: string, id: string): Promise<OpenConnection> {
  const kept = await opened(app).get(`${tenant_id} ${id}`)
  return found(kept, id)
}

/** Opened for this actor: of their world, and enabled. */
export async function useConnection(app: App, actor: Actor, id: string): Promise<OpenConnection> {
  const connection = await openConnection(app, actor.tenant_id, id)
  checkEnvironment(actor, connection.environment)
  if (connection.state === 'enabled') return connection
  throw new Problem('conflict', {
    detail: `connection ${toWire('connection', id)} is disabled; enable it first`,
  })
}

const opened = once((app: App) => {
  // Sockets that show a certificate of before are of no use any more.
  app.db.listen('trilho_config', (payload) => {
    const [topic, , id] = payload.split(' ')
    if (topic === 'connection' && id !== undefined) app.egress.forget(id)
  })
  return remember(app.db, {
    topic: 'connection',
    load: (key) => {
      const [tenant_id = '', id = ''] = key.split(' ')
      return inTenant(app.db, tenant_id, (tx) => load(app, tx, tenant_id, id))
    },
  })
})

async function load(app: App, tx: Tx, tenant_id: string, id: string): Promise<OpenConnection | null> {
  const row = await queries.findConnection(tx, tenant_id, id)
  if (!row) return null
  const { name, environment, state, version, limits, mapping, keep_bodies_days, call_events } = row
  const provider = providerOf(app, row.provider)
  const settings = withDefaults(provider.fields, row.settings)
  const credentials = await app.vault.getAll(tx, { tenant_id, owner_id: id })
  const identity = identityOf(perSettings(provider.identity ?? null, settings), credentials, id)
  const vendor: Opened = { provider, environment: worldOf(environment), settings, credentials, identity }
  const about = { tenant_id, id, name, environment, state, version }
  return { ...about, limits, mapping, keep_bodies_days, call_events, opened: vendor }
}

export { checkEnvironment, worldOf } from './fitting.ts'
export { Rates, TestReport } from './schema.ts'
export { tryBy } from './try.ts'
