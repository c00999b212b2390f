import { forget, inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { audit } from './audit.ts'
import { checkGrant, isTestKey } from './grants.ts'
import {
  findKey,
  type Identity,
  insertKey,
  type KeyRow,
  keyByHash,
  listKeysPage,
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
    forget(tx, 'api_key', made.hash.toString('base64'))
    await audit(tx, actor, 'key.create', toWire('api_key', id), { name, environment, scopes })
    return made
  })
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
    forget(tx, 'api_key', found.hash.toString('base64'))
    return revokeKeyRow(tx, actor.tenant_id, found.id, app.clock.now())
  })
  return toKey(row)
}

export const findKeyByHash = (app: App, hash: Buffer): Promise<Identity | null> => keyByHash(app.db.app, hash)

async function own(tx: Tx, actor: Actor, id: string): Promise<KeyRow> {
  const row = await findKey(tx, actor.tenant_id, environments(actor), fromWire('api_key', id))
  if (!row) throw new Problem('not_found', { detail: `There is no key ${id} here.` })
  return row
}

/** Test credentials do not even see live ones. */
const environments = (actor: Actor): string[] => (isTestKey(actor) ? ['test'] : ['live', 'test'])

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
