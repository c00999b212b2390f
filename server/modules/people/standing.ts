import { forget, inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type App, INSTALLATION } from '../app.ts'
import { listTenants, tenantExists } from '../tenants/tenants.ts'
import {
  findSessionByHash,
  hashesOfPerson,
  lockPerson,
  type Place,
  placesOfPerson,
  touchSessionRow,
} from './queries.ts'
import { scopesOf } from './roles.ts'
import type { Role } from './schema.ts'

/** Who a session stands for, as it is kept in memory until any process tells of a change. */
export type Standing = {
  session_id: string
  person_id: string
  seen_at: Date
  expires_at: Date
  places: Place[]
}

/** Where one request acts, and as what. */
export type Chosen = { tenant_id: string; role: Role | null; scopes: readonly string[] }

const IDLE_MS = 12 * 3_600_000
export const LIFETIME_MS = 7 * 24 * 3_600_000
/** How often it is written down that a session is in use. */
const TOUCH_MS = 5 * 60_000

export const idleSince = (now: Date): Date => new Date(now.getTime() - IDLE_MS)

/** `hash` is the SHA-256 of the cookie's token. */
export const findStanding = (app: App, hash: Buffer): Promise<Standing | null> =>
  inTenant(app.db, INSTALLATION, async (tx) => {
    const row = await findSessionByHash(tx, hash)
    if (!row) return null
    const { id: session_id, person_id, seen_at, expires_at } = row
    return { session_id, person_id, seen_at, expires_at, places: await placesOfPerson(tx, person_id) }
  })

/** False where it has lasted or slept too long. Writes down now and then that it is in use. */
export async function isStanding(app: App, standing: Standing, hash: Buffer): Promise<boolean> {
  const now = app.clock.now()
  const { expires_at, seen_at } = standing
  if (expires_at <= now || seen_at <= idleSince(now)) return false
  const before = new Date(now.getTime() - TOUCH_MS)
  if (seen_at >= before) return true
  await inTenant(app.db, INSTALLATION, async (tx) => {
    if (await touchSessionRow(tx, standing, now, before)) forgetSession(tx, hash)
  })
  return true
}

export const isAdministrator = ({ places }: Pick<Standing, 'places'>): boolean =>
  places.some(({ tenant_id }) => tenant_id === INSTALLATION)

/**
 * The tenant that `named` (the header trilho-tenant) chooses among the person's, an administrator among all; without it
 * the oldest. `isTenant` may answer from memory. Nobody learns whether a tenant is there that is not theirs.
 */
export async function chooseTenant(
  app: App,
  standing: Pick<Standing, 'places'>,
  named: string | undefined,
  isTenant: (id: string) => Promise<unknown> = (id) => tenantExists(app, id),
): Promise<Chosen> {
  const is_administrator = isAdministrator(standing)
  if (named === undefined) return usualTenant(app, standing, is_administrator)
  const tenant_id = fromWire('tenant', named, 'trilho-tenant')
  if (is_administrator) {
    if (await isTenant(tenant_id)) return asAdministrator(tenant_id)
    throw new Problem('not_found', { field: 'trilho-tenant', detail: `There is no tenant ${named}.` })
  }
  const place = standing.places.find((one) => one.tenant_id === tenant_id)
  if (place) return { tenant_id, role: place.role, scopes: scopesOf(place.role, tenant_id) }
  const detail = 'You are no member of the tenant that trilho-tenant names. GET /v1/session lists yours.'
  throw new Problem('forbidden', { field: 'trilho-tenant', detail })
}

async function usualTenant(
  app: App,
  { places }: Pick<Standing, 'places'>,
  is_administrator: boolean,
): Promise<Chosen> {
  const [place] = places.filter(({ tenant_id }) => tenant_id !== INSTALLATION)
  if (is_administrator) {
    const oldest = place ? undefined : (await listTenants(app, { limit: '200' })).data.at(-1)
    return asAdministrator(place?.tenant_id ?? (oldest ? fromWire('tenant', oldest.id) : INSTALLATION))
  }
  if (!place) return { tenant_id: INSTALLATION, role: null, scopes: [] }
  const { tenant_id, role } = place
  return { tenant_id, role, scopes: scopesOf(role, tenant_id) }
}

const asAdministrator = (tenant_id: string): Chosen => ({
  tenant_id,
  role: 'admin',
  scopes: scopesOf('admin', INSTALLATION),
})

/** The tenants somebody may choose among, oldest first. */
export async function tenantsOf(
  app: App,
  standing: Pick<Standing, 'places'>,
): Promise<{ id: string; name: string; role: Role }[]> {
  if (isAdministrator(standing)) {
    const { data } = await listTenants(app, { limit: '200' })
    return data.reverse().map(({ id, name }) => ({ id, name, role: 'admin' }))
  }
  return standing.places.map(({ tenant_id, name, role }) => ({ id: toWire('tenant', tenant_id), name, role }))
}

export const SESSION_TOPIC = 'session'

/** Every process asks the database again who this is, from the commit on. */
export const forgetSession = (tx: Tx, hash: Buffer): void =>
  forget(tx, SESSION_TOPIC, hash.toString('base64'))

/**
 * After what a person may do has changed. Who is signing in holds the person (`markSignedIn`) until the session is
 * there to be told of; so whoever changes a place takes the person before it.
 */
export async function forgetSessionsOf(tx: Tx, person_id: string): Promise<void> {
  await lockPerson(tx, person_id)
  for (const hash of await hashesOfPerson(tx, person_id)) forgetSession(tx, hash)
}
