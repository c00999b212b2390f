import type { Clock } from '../clock.ts'
import type { Db, Tx } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { blindIndex, keyVersionOf, open, type Place, seal } from './crypto.ts'
import {
  createKeys,
  indexKey,
  type Keys,
  keyAt,
  newestKey,
  recentKey,
  rewrapKeys,
  rotateKey,
} from './keys.ts'
import {
  claimOldSecrets,
  countOldSecrets,
  deleteSecrets,
  findSecret,
  findSecretTime,
  type Held,
  listHeld,
  listMasters,
  listSecrets,
  listSecretsOf,
  type Owner,
  type SecretRow,
  takeVersion,
  writeSecret,
} from './queries.ts'

export {
  findMasterKey,
  keepMasterKey,
  loadMasterKey,
  type MasterKey,
  masterKeyFile,
  previousKeyFiles,
  renewMasterKey,
} from './master_key.ts'
export { countSecrets, listKeyedTenants, listMasters, listSecretPerTenant, listWrappings } from './queries.ts'

/**
 * Where secrets live. Each tenant has data keys of its own, wrapped by the master key, which never enters the
 * database; a value is sealed by the newest of them together with its place (tenant, owner, field, version), so
 * that bytes which were moved or changed do not open but throw an Error: a fault of the installation, never an
 * answer. No error and no log line holds plaintext. One vault serves one database, for it remembers unwrapped keys.
 * Every function wants a transaction of the tenant's (role app); it takes part in it and commits nothing.
 */
export type Vault = {
  /** Keeps the secret in place of the one before. A `Problem` where the text is not well-formed Unicode. */
  put(tx: Tx, ref: SecretRef, plaintext: string): Promise<void>
  /**
   * The secret, or null where there is none. One query, about 0.3 ms beside 0.1 ms of a bare `select 1` on a shared
   * two-core machine; unwrapped keys are remembered, so opening takes 8 µs of it and asks for nothing more.
   */
  get(tx: Tx, ref: SecretRef): Promise<string | null>
  /** field → plaintext, of all the secrets of one owner. */
  getAll(tx: Tx, owner: SecretOwner): Promise<Record<string, string>>
  /** owner → field → plaintext, of many owners in one query. */
  getAllOf(tx: Tx, tenant_id: string, owner_ids: string[]): Promise<Map<string, Record<string, string>>>
  /** When the secrets of one owner were last put, null where there are none; `resealBatch` leaves it as it is. */
  setAt(tx: Tx, owner: SecretOwner): Promise<Date | null>
  /** Of many owners in one query the fields that are set, and when one was last put; nothing is opened. */
  heldOf(tx: Tx, tenant_id: string, owner_ids: string[]): Promise<Map<string, Held>>
  drop(tx: Tx, owner: SecretOwner): Promise<void>
  /**
   * Sealed bytes for a column of the caller's own, 33 longer than the plaintext. `context` says where they stand
   * (table, column, row): they open under the same words only.
   */
  seal(tx: Tx, tenant_id: string, context: string, plaintext: Buffer): Promise<Buffer>
  open(tx: Tx, tenant_id: string, context: string, sealed: Buffer): Promise<Buffer>
  /**
   * 32 bytes by which a value is found without being stored: the HMAC of its normalised form (NFC, trimmed, lower
   * case, CPF and CNPJ without punctuation) under a key of the tenant that rotation leaves alone.
   */
  blindIndex(tx: Tx, tenant_id: string, value: string): Promise<Buffer>
  /** `blindIndex` of one tenant as a plain function, to be kept: its key never changes. */
  indexer(tx: Tx, tenant_id: string): Promise<(value: string) => Buffer>
  /**
   * Makes a new data key and returns its version. Old values go on opening, and `seal` may use the old key for up
   * to 30 s more. Then `resealBatch`, until nothing remains.
   */
  rotateTenantKey(tx: Tx, tenant_id: string): Promise<number>
  /** Seals up to `limit` old secrets with the newest key. One transaction per batch. */
  resealBatch(tx: Tx, tenant_id: string, limit: number): Promise<Resealed>
  /** Wraps the tenant's keys with the present master key where a previous one did; returns how many it wrapped. */
  rewrap(tx: Tx, tenant_id: string): Promise<number>
  /** Fingerprint of the master key that wraps. */
  master: string
  /**
   * Fingerprints of master keys that wrap keys of this database and that this server does not have. Ask with the
   * owner's pool, which sees all tenants; anything but an empty list means that secrets will not open.
   */
  missingMasters(owner: Db): Promise<string[]>
}

/** `remaining` counts those that somebody is just replacing too. */
export type Resealed = { sealed: number; remaining: number }

export type SecretOwner = Owner
export type SecretRef = { tenant_id: string; owner_id: string; field: string }

export type VaultOptions = {
  /** 32 bytes; wraps new keys. */
  master_key: Buffer
  /** 32 bytes each; open what they wrapped, until `rewrap` has been to every tenant. */
  previous_master_keys?: Buffer[]
  clock: Clock
  /** How many unwrapped keys are kept at most. */
  remembered_keys?: number
}

export function createVault(options: VaultOptions): Vault {
  const { master_key, previous_master_keys = [], clock, remembered_keys = 4096 } = options
  const keys = createKeys({ master_key, previous: previous_master_keys, remember: remembered_keys, clock })
  return {
    put: (tx, ref, plaintext) => put(keys, tx, ref, plaintext),
    get: async (tx, ref) => {
      const row = await findSecret(tx, ref, ref.field)
      return row ? openSecret(keys, tx, ref.tenant_id, row) : null
    },
    getAll: (tx, owner) => getAll(keys, tx, owner),
    getAllOf: (tx, tenant_id, owner_ids) => getAllOf(keys, tx, tenant_id, owner_ids),
    setAt: findSecretTime,
    heldOf: async (tx, tenant_id, owner_ids) => {
      const held = await listHeld(tx, tenant_id, owner_ids)
      return new Map(held.map((one) => [one.owner_id, one]))
    },
    drop: deleteSecrets,
    seal: async (tx, tenant_id, context, plaintext) =>
      seal(await recentKey(keys, tx, tenant_id), ['sealed', tenant_id, context], plaintext),
    open: (tx, tenant_id, context, sealed) => openAt(keys, tx, ['sealed', tenant_id, context], sealed),
    blindIndex: async (tx, tenant_id, value) => blindIndex(await indexKey(keys, tx, tenant_id), value),
    indexer: async (tx, tenant_id) => {
      const key = await indexKey(keys, tx, tenant_id)
      return (value) => blindIndex(key, value)
    },
    rotateTenantKey: (tx, tenant_id) => rotateKey(keys, tx, tenant_id),
    resealBatch: (tx, tenant_id, limit) => resealBatch(keys, tx, tenant_id, limit),
    rewrap: (tx, tenant_id) => rewrapKeys(keys, tx, tenant_id),
    master: keys.master,
    missingMasters: async (owner) => (await listMasters(owner)).filter((master) => !keys.masters.has(master)),
  }
}

async function put(keys: Keys, tx: Tx, ref: SecretRef, plaintext: string): Promise<void> {
  if (!plaintext.isWellFormed()) {
    // UTF-8 cannot hold half a surrogate pair: the secret would come back as another one.
    const detail = `${ref.field} holds half of a Unicode surrogate pair; send well-formed text`
    throw new Problem('invalid_request', { field: ref.field, detail })
  }
  const key = await newestKey(keys, tx, ref.tenant_id)
  const version = await takeVersion(tx, ref, ref.field)
  const sealed = seal(key, placeOf(ref.tenant_id, { ...ref, version }), Buffer.from(plaintext))
  await writeSecret(tx, ref, ref.field, { key: key.version, sealed })
}

async function getAll(keys: Keys, tx: Tx, owner: SecretOwner): Promise<Record<string, string>> {
  const secrets: [string, string][] = []
  for (const row of await listSecrets(tx, owner)) {
    secrets.push([row.field, await openSecret(keys, tx, owner.tenant_id, row)])
  }
  return Object.fromEntries(secrets)
}

async function getAllOf(
  keys: Keys,
  tx: Tx,
  tenant_id: string,
  owner_ids: string[],
): Promise<Map<string, Record<string, string>>> {
  const secrets = new Map<string, Record<string, string>>()
  for (const row of await listSecretsOf(tx, tenant_id, owner_ids)) {
    const known = secrets.get(row.owner_id) ?? {}
    known[row.field] = await openSecret(keys, tx, tenant_id, row)
    secrets.set(row.owner_id, known)
  }
  return secrets
}

async function resealBatch(keys: Keys, tx: Tx, tenant_id: string, limit: number): Promise<Resealed> {
  const key = await newestKey(keys, tx, tenant_id)
  const rows = await claimOldSecrets(tx, tenant_id, key.version, limit)
  for (const row of rows) {
    const place = placeOf(tenant_id, row)
    const sealed = seal(key, place, await openAt(keys, tx, place, row.sealed))
    await writeSecret(tx, { tenant_id, owner_id: row.owner_id }, row.field, { key: key.version, sealed })
  }
  return { sealed: rows.length, remaining: await countOldSecrets(tx, tenant_id, key.version) }
}

async function openSecret(keys: Keys, tx: Tx, tenant_id: string, row: SecretRow): Promise<string> {
  return (await openAt(keys, tx, placeOf(tenant_id, row), row.sealed)).toString('utf8')
}

async function openAt(keys: Keys, tx: Tx, place: Place, sealed: Buffer): Promise<Buffer> {
  const key = await keyAt(keys, tx, place[1], keyVersionOf(sealed, place))
  return open(key, place, sealed)
}

type SecretPlace = { owner_id: string; field: string; version: number }

const placeOf = (tenant_id: string, { owner_id, field, version }: SecretPlace): Place => [
  'secret',
  tenant_id,
  owner_id,
  field,
  version,
]
