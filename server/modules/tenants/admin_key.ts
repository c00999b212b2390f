import { forget, inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { StartError } from '../../platform/start_error.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit } from './audit.ts'
import { adminKeys, insertKey, lockAdminKeys, revokeKeyRow } from './queries.ts'
import { hashSecret, hintOf, makeSecret } from './secrets.ts'

const START: Actor = {
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
  return inTenant(app.db, INSTALLATION, async (tx) => {
    await lockAdminKeys(tx) // several processes may start at once
    return given === undefined ? firstKey(app, tx) : keyOfSetting(app, tx, given)
  })
}

/** The key to show, where one was made. */
async function firstKey(app: App, tx: Tx): Promise<string | null> {
  const now = app.clock.now()
  const there = await adminKeys(tx, INSTALLATION)
  if (there.some((row) => !row.revoked_at && !(row.expires_at && row.expires_at <= now))) return null
  const key = makeSecret('trl_admin_')
  await insertAdminKey(app, tx, 'First admin key', key)
  return key
}

async function keyOfSetting(app: App, tx: Tx, key: string): Promise<null> {
  const there = await adminKeys(tx, INSTALLATION)
  const hash = hashSecret(key)
  const same = there.find((row) => row.hash.equals(hash))
  if (same?.revoked_at) throw new StartError(`${FROM_SETTING} holds a key that was revoked; set another one`)
  for (const row of there) {
    if (row.name !== FROM_SETTING || row.revoked_at || row === same) continue
    await revokeKeyRow(tx, INSTALLATION, row.id, app.clock.now())
    forget(tx, 'api_key', row.hash.toString('base64'))
    await audit(tx, START, 'key.revoke', toWire('api_key', row.id), { name: row.name })
  }
  if (!same) await insertAdminKey(app, tx, FROM_SETTING, key)
  return null
}

async function insertAdminKey(app: App, tx: Tx, name: string, key: string): Promise<void> {
  const [id, hash, scopes] = [app.newId(), hashSecret(key), ['admin']]
  const place = { tenant_id: INSTALLATION, id, environment: 'live' as const, expires_at: null }
  await insertKey(tx, { ...place, name, hash, hint: hintOf(key), scopes }).catch((error: unknown) => {
    if (sqlState(error) !== '23505') throw error
    throw new StartError(`${FROM_SETTING} holds a key that belongs to a tenant; set another one`)
  })
  forget(tx, 'api_key', hash.toString('base64'))
  await audit(tx, START, 'key.create', toWire('api_key', id), { name, scopes })
}
