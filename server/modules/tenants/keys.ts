import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { StartError } from '../../platform/start_error.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { audit } from './audit.ts'
import { checkGrant } from './grants.ts'
import {
  adminKeys,
  findKey,
  type Identity,
  insertKey,
  type KeyRow,
  keyByHash,
  listKeysPage,
  lockAdminKeys,
  revokeKeyRow,
} from './queries.ts'
import type { ApiKey, NewKey, NewKeyShown } from './schema.ts'
import { hashSecret, hintOf, makeSecret } from './secrets.ts'

/** The key itself is in this answer and nowhere else, ever. */
export async function createKey(app: App, actor: Actor, input: NewKey): Promise<NewKeyShown> {
  checkGrant(actor, input.environment, input.scopes)
  checkExpiry(input.expires_at, app.clock.now())
  const key = makeSecret(`trl_${input.environment}_`)
  const id = app.newId()
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const made = await insertKey(tx, {
      tenant_id,
      id,
      name: input.name,
      hash: hashSecret(key),
      hint: hintOf(key),
      environment: input.environment,
      scopes: input.scopes,
      expires_at: input.expires_at ?? null,
    })
    const { name, environment, scopes } = input
    await audit(tx, actor, 'key.create', toWire('api_key', id), { name, environment, scopes })
    return made
  })
  app.db.notify('trilho_config', 'api_key')
  return { ...toKey(row), key }
}

export async function listKeys(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('api_key', input)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    listKeysPage(tx, tenant_id, environments(actor), before, limit + 1),
  )
  return toPage('api_key', rows, limit, toKey)
}

export async function readKey(app: App, actor: Actor, id: string): Promise<ApiKey> {
  const row = await inTenant(app.db, actor.tenant_id, (tx) => own(tx, actor, id))
  return toKey(row)
}

/** Every process refuses the key within a second. Revoking it again changes nothing. */
export async function revokeKey(app: App, actor: Actor, id: string): Promise<ApiKey> {
  const row = await inTenant(app.db, actor.tenant_id, async (tx) => {
    const found = await own(tx, actor, id)
    if (found.revoked_at) return found
    await audit(tx, actor, 'key.revoke', id, { name: found.name })
    return revokeKeyRow(tx, actor.tenant_id, found.id, app.clock.now())
  })
  app.db.notify('trilho_config', 'api_key')
  return toKey(row)
}

export const findKeyByHash = (app: App, hash: Buffer): Promise<Identity | null> => keyByHash(app.db.app, hash)

async function own(tx: Tx, actor: Actor, id: string): Promise<KeyRow> {
  const row = await findKey(tx, actor.tenant_id, environments(actor), fromWire('api_key', id))
  if (!row) throw new Problem('not_found', { detail: `There is no key ${id} here.` })
  return row
}

/** Test credentials do not even see live ones. */
const environments = (actor: Actor): string[] => (actor.environment === 'test' ? ['test'] : ['live', 'test'])

function checkExpiry(expires_at: string | undefined, now: Date): void {
  if (expires_at === undefined || new Date(expires_at) > now) return
  throw new Problem('invalid_request', { field: 'expires_at', detail: 'expires_at must lie in the future.' })
}

function toKey(row: KeyRow): ApiKey {
  return {
    id: toWire('api_key', row.id),
    name: row.name,
    hint: row.hint,
    environment: row.environment,
    scopes: row.scopes,
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
}

const BOOT: Actor = {
  kind: 'system',
  id: 'start',
  tenant_id: INSTALLATION,
  environment: 'live',
  scopes: ['admin'],
  ip: null,
  request_id: null,
}
const FROM_SETTING = 'TRILHO_ADMIN_KEY'

/**
 * Sees to it that somebody can administer. With `TRILHO_ADMIN_KEY` that key is made valid and the one the setting
 * held before is revoked; without it a key is made when there is none, and returned this once to be shown.
 * Throws `StartError` where the setting names a key that was revoked or belongs to a tenant.
 */
export async function ensureAdminKey(app: App): Promise<string | null> {
  const given = app.config.admin_key?.reveal()
  const made = await inTenant(app.db, INSTALLATION, async (tx) => {
    await lockAdminKeys(tx) // several processes may start at once
    return given === undefined ? firstAdminKey(app, tx) : settingAdminKey(app, tx, given)
  })
  if (made.changed) app.db.notify('trilho_config', 'api_key')
  return made.show
}

async function firstAdminKey(app: App, tx: Tx): Promise<{ changed: boolean; show: string | null }> {
  const there = await adminKeys(tx, INSTALLATION)
  if (there.some((key) => !key.revoked_at)) return { changed: false, show: null }
  const key = makeSecret('trl_admin_')
  await insertAdminKey(app, tx, 'First admin key', key)
  return { changed: true, show: key }
}

async function settingAdminKey(app: App, tx: Tx, key: string): Promise<{ changed: boolean; show: null }> {
  const there = await adminKeys(tx, INSTALLATION)
  const hash = hashSecret(key)
  const same = there.find((row) => row.hash.equals(hash))
  if (same?.revoked_at) throw new StartError(`${FROM_SETTING} holds a key that was revoked; set another one`)
  const before = there.filter((row) => row.name === FROM_SETTING && !row.revoked_at && row !== same)
  for (const row of before) {
    await revokeKeyRow(tx, INSTALLATION, row.id, app.clock.now())
    await audit(tx, BOOT, 'key.revoke', toWire('api_key', row.id), { name: row.name })
  }
  if (!same) await insertAdminKey(app, tx, FROM_SETTING, key)
  return { changed: !same || before.length > 0, show: null }
}

async function insertAdminKey(app: App, tx: Tx, name: string, key: string): Promise<void> {
  const id = app.newId()
  const row = {
    name,
    hash: hashSecret(key),
    hint: hintOf(key),
    environment: 'live' as const,
    scopes: ['admin'],
  }
  await insertKey(tx, { tenant_id: INSTALLATION, id, expires_at: null, ...row })
  await audit(tx, BOOT, 'key.create', toWire('api_key', id), { name, scopes: row.scopes })
}
