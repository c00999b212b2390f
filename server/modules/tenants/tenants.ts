import { forget, inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { audit } from './audit.ts'
import { isTestKey } from './grants.ts'
import { findTenant, insertTenant, listTenantsPage, moveTenant, type TenantRow } from './queries.ts'
import type { NewTenant, Tenant, TenantChange } from './schema.ts'

/**
 * The room of whose data it is: tenants, the keys and OAuth clients that act for them, and the log of who changed
 * what. It promises that a secret is shown once and kept only as a hash, that nobody hands out more than they
 * hold, that a revocation is told to every process after its commit, and that each change leaves an audit row.
 */
export { ensureAdminKey } from './admin_key.ts'
export { audit, listAudit } from './audit.ts'
export { createClient, findClient, listClients, revokeClient } from './clients.ts'
export { isTestKey } from './grants.ts'
export { createKey, findKeyByHash, listKeys, readKey, revokeKey } from './keys.ts'
export {
  type Answer,
  type Attempted,
  beginOnce,
  type Claim,
  finishOnce,
  forgetOldAnswers,
  forgetOnce,
  loseOnce,
} from './once.ts'
export { type Identity, listExpiringKeys } from './queries.ts'
export type { ApiKey, NewKey, NewKeyShown } from './schema.ts'
export { holds, OPERATED, ROOMS } from './scopes.ts'
export { accessTokenKey, readAccessToken } from './tokens.ts'

export async function createTenant(app: App, actor: Actor, input: NewTenant): Promise<Tenant> {
  checkTimeZone(input.time_zone)
  const id = app.newId()
  const made = await inTenant(app.db, id, async (tx) => {
    const row = await insertTenant(tx, { id, ...input })
    forget(tx, 'tenant', id)
    await audit(tx, { ...actor, tenant_id: id }, 'tenant.create', toWire('tenant', id), { name: row.name })
    return toTenant(row)
  })
  return made
}

/** Side by side tenants are for the administrator only; the route sees to that. */
export async function listTenants(app: App, input: PageInput) {
  const { limit, before } = readPage('tenant', input)
  const rows = await listTenantsPage(app.db.app, before, limit + 1)
  return toPage('tenant', rows, limit, toTenant)
}

/** `id` is a wire id; another's answers 404 like none at all. */
export async function readTenant(app: App, actor: Actor, id: string): Promise<Tenant> {
  const tenant_id = visible(actor, id)
  const row = await inTenant(app.db, tenant_id, (tx) => findTenant(tx, tenant_id))
  if (!row) throw noTenant(id)
  return toTenant(row)
}

export async function updateTenant(
  app: App,
  actor: Actor,
  id: string,
  change: TenantChange,
): Promise<Tenant> {
  const tenant_id = visible(actor, id)
  checkTimeZone(change.time_zone)
  if (isTestKey(actor)) {
    throw new Problem('forbidden', {
      detail: 'A test key does not change what live shares with it. Use a live key.',
    })
  }
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await moveTenant(tx, tenant_id, change)
    if (!row) throw noTenant(id)
    await audit(tx, { ...actor, tenant_id }, 'tenant.update', id, change)
    return toTenant(row)
  })
}

/** In which its schedules are read. */
export const timeZoneOf = async (tx: Tx, tenant_id: string): Promise<string> =>
  (await findTenant(tx, tenant_id))?.time_zone ?? 'America/Sao_Paulo'

export async function tenantExists(app: App, tenant_id: string): Promise<true | null> {
  const row = await inTenant(app.db, tenant_id, (tx) => findTenant(tx, tenant_id))
  return row ? true : null
}

function visible(actor: Actor, id: string): string {
  const tenant_id = fromWire('tenant', id)
  if (tenant_id !== actor.tenant_id && !actor.scopes.includes('admin')) throw noTenant(id)
  return tenant_id
}

const noTenant = (id: string): Problem =>
  new Problem('not_found', { detail: `There is no tenant ${id} here.` })

function checkTimeZone(name: string | undefined): void {
  if (name === undefined) return
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch {
    throw new Problem('invalid_request', {
      field: 'time_zone',
      detail: 'time_zone must be a name of the IANA time zone database, such as America/Sao_Paulo.',
    })
  }
}

const toTenant = ({ id, name, time_zone, created_at }: TenantRow): Tenant => ({
  id: toWire('tenant', id),
  name,
  time_zone,
  created_at: created_at.toISOString(),
})
