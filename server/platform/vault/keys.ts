import assert from 'node:assert/strict'
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Tx } from '../database/database.ts'
import { type DataKey, fingerprintOf, open, type Place, seal, toIndexKey } from './crypto.ts'
import { createMemory, type Memory } from './memory.ts'
import {
  findKey,
  findNewestKey,
  insertKey,
  type KeyRow,
  listKeysOfOtherMasters,
  replaceWrapping,
  type WrappedKey,
} from './queries.ts'

/** The master keys, and what is remembered of the tenants' keys. */
export type Keys = {
  /** Fingerprint of the master key that wraps. */
  master: string
  /** All that open, by fingerprint. */
  masters: ReadonlyMap<string, KeyObject>
  /** Unwrapped, by `tenant_id/version`. */
  unwrapped: Memory<KeyObject>
  /** The newest version by tenant, and until when that is believed. */
  newest: Memory<{ version: number; until_ms: number }>
  clock: Clock
}

export function createKeys(options: {
  master_key: Buffer
  previous: Buffer[]
  remember: number
  clock: Clock
}): Keys {
  const { master_key, previous, remember, clock } = options
  const masters = [master_key, ...previous]
  for (const raw of masters) assert.equal(raw.length, 32, 'a master key has 32 bytes')
  return {
    master: fingerprintOf(master_key),
    masters: new Map(masters.map((raw) => [fingerprintOf(raw), createSecretKey(raw)])),
    unwrapped: createMemory(remember),
    newest: createMemory(remember),
    clock,
  }
}

/** Where a tenant's index key stands among its keys. Rotation never gets there: blind indexes must stay as they are. */
const INDEX_VERSION = 0
const NEWEST_FOR_MS = 30_000

/** The newest data key, made on first use. Asks the database. */
export async function newestKey(keys: Keys, tx: Tx, tenant_id: string): Promise<DataKey> {
  const row = (await findNewestKey(tx, tenant_id)) ?? (await makeKey(keys, tx, tenant_id, 1))
  const { version, settled } = row
  if (settled) keys.newest.set(tenant_id, { version, until_ms: keys.clock.monotonic() + NEWEST_FOR_MS })
  return { version, key: keys.unwrapped.get(`${tenant_id}/${version}`) ?? take(keys, tenant_id, row) }
}

/** A data key that was the newest within the last 30 s. Asks nobody where it is remembered. */
export function recentKey(keys: Keys, tx: Tx, tenant_id: string): Promise<DataKey> {
  const known = keys.newest.get(tenant_id)
  const is_recent = known !== undefined && keys.clock.monotonic() < known.until_ms
  return is_recent ? keyAt(keys, tx, tenant_id, known.version) : newestKey(keys, tx, tenant_id)
}

/** The data key of this version; an Error where the tenant has none. */
export async function keyAt(keys: Keys, tx: Tx, tenant_id: string, version: number): Promise<DataKey> {
  const known = keys.unwrapped.get(`${tenant_id}/${version}`)
  if (known) return { version, key: known }
  const row = await findKey(tx, tenant_id, version)
  if (!row) throw new Error(`The vault has no data key ${version} of tenant ${tenant_id}.`)
  return { version, key: take(keys, tenant_id, row) }
}

/** The key of the tenant's blind indexes, made on first use. It never changes. */
export async function indexKey(keys: Keys, tx: Tx, tenant_id: string): Promise<KeyObject> {
  const known = keys.unwrapped.get(`${tenant_id}/${INDEX_VERSION}`)
  if (known) return known
  const row = await findKey(tx, tenant_id, INDEX_VERSION)
  return take(keys, tenant_id, row ?? (await makeKey(keys, tx, tenant_id, INDEX_VERSION)))
}

/** Makes the next data key; of two at once, both get the one that was first. */
export async function rotateKey(keys: Keys, tx: Tx, tenant_id: string): Promise<number> {
  const row = await findNewestKey(tx, tenant_id)
  const { version } = await makeKey(keys, tx, tenant_id, (row?.version ?? 0) + 1)
  keys.newest.delete(tenant_id)
  return version
}

/** Wraps with the present master key what a previous one wrapped; how many keys that were. */
export async function rewrapKeys(keys: Keys, tx: Tx, tenant_id: string): Promise<number> {
  const rows = await listKeysOfOtherMasters(tx, tenant_id, keys.master)
  for (const row of rows) {
    await replaceWrapping(tx, tenant_id, wrap(keys, tenant_id, row.version, unwrap(keys, tenant_id, row)))
  }
  return rows.length
}

async function makeKey(keys: Keys, tx: Tx, tenant_id: string, version: number): Promise<KeyRow> {
  await insertKey(tx, tenant_id, wrap(keys, tenant_id, version, randomBytes(32)))
  const row = await findKey(tx, tenant_id, version) // ours, or that of whoever was first
  assert(row, `key ${version} of tenant ${tenant_id} cannot be read after it was written`)
  return row
}

/**
 * Unwraps, and remembers the key unless its row may still be rolled back: other transactions would seal with a
 * key that nobody has afterwards, and what they sealed would be lost.
 */
function take(keys: Keys, tenant_id: string, row: KeyRow): KeyObject {
  const raw = unwrap(keys, tenant_id, row)
  const key = row.version === INDEX_VERSION ? toIndexKey(raw) : createSecretKey(raw)
  if (row.settled) keys.unwrapped.set(`${tenant_id}/${row.version}`, key)
  return key
}

function wrap(keys: Keys, tenant_id: string, version: number, raw: Buffer): WrappedKey {
  const place = placeOf(tenant_id, version, keys.master)
  return {
    version,
    master: keys.master,
    wrapped: seal({ version, key: masterKey(keys, keys.master) }, place, raw),
  }
}

function unwrap(keys: Keys, tenant_id: string, { version, wrapped, master }: WrappedKey): Buffer {
  return open({ version, key: masterKey(keys, master) }, placeOf(tenant_id, version, master), wrapped)
}

function masterKey(keys: Keys, fingerprint: string): KeyObject {
  const key = keys.masters.get(fingerprint)
  if (key) return key
  throw new Error(
    `These secrets need master key ${fingerprint}, and this server has ${[...keys.masters.keys()].join(', ')}. ` +
      'Set TRILHO_MASTER_KEY to that key, or put its master.key back into the data folder.',
  )
}

// The fingerprint is part of the place: a row cannot be passed off as another master's.
const placeOf = (tenant_id: string, version: number, master: string): Place => [
  'data key',
  tenant_id,
  version,
  master,
]
