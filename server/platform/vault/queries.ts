import { sql } from 'kysely'
import type { Tx } from '../database/database.ts'

/** Every statement over `data_key` and `secret`. */

export type KeyRow = {
  version: number
  wrapped: Buffer
  master: string
  /** False for a row of this very transaction, which may still be undone: such a key must not be remembered. */
  settled: boolean
}

// created_at is now() of the transaction that made the row, which savepoints do not change, so it equals our own
// now() exactly for our own rows. A stranger's row of the same microsecond is only remembered a little later.
const KEY_COLUMNS = ['version', 'wrapped', 'master', sql<boolean>`created_at <> now()`.as('settled')] as const

export const findKey = (tx: Tx, tenant_id: string, version: number): Promise<KeyRow | undefined> =>
  tx
    .selectFrom('data_key')
    .select(KEY_COLUMNS)
    .where('tenant_id', '=', tenant_id)
    .where('version', '=', version)
    .executeTakeFirst()

/** The newest data key; version 0 is the index key, and no value is sealed by it. */
export const findNewestKey = (tx: Tx, tenant_id: string): Promise<KeyRow | undefined> =>
  tx
    .selectFrom('data_key')
    .select(KEY_COLUMNS)
    .where('tenant_id', '=', tenant_id)
    .where('version', '>', 0)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()

export type WrappedKey = { version: number; wrapped: Buffer; master: string }

/** Inserts the key unless the tenant has that version: the first of two to come wins, the other reads it. */
export async function insertKey(tx: Tx, tenant_id: string, key: WrappedKey): Promise<void> {
  await tx
    .insertInto('data_key')
    .values({ tenant_id, ...key })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'version']).doNothing())
    .execute()
}

/** The tenant's keys that another master key wrapped, locked against a second re-wrapping. */
export const listKeysOfOtherMasters = (tx: Tx, tenant_id: string, master: string): Promise<WrappedKey[]> =>
  tx
    .selectFrom('data_key')
    .select(['version', 'wrapped', 'master'])
    .where('tenant_id', '=', tenant_id)
    .where('master', '<>', master)
    .orderBy('version')
    .forUpdate()
    .execute()

export async function replaceWrapping(tx: Tx, tenant_id: string, key: WrappedKey): Promise<void> {
  await tx
    .updateTable('data_key')
    .set({ wrapped: key.wrapped, master: key.master })
    .where('tenant_id', '=', tenant_id)
    .where('version', '=', key.version)
    .execute()
}

/** Fingerprints of the master keys in use, over all the tenants that the role may see. */
export async function listMasters(db: Pick<Tx, 'selectFrom'>): Promise<string[]> {
  const rows = await db.selectFrom('data_key').select('master').distinct().orderBy('master').execute()
  return rows.map((row) => row.master)
}

/** Each master key in use, with how many keys it wraps for how many tenants; the owner's pool asking. */
export const listWrappings = (
  db: Pick<Tx, 'selectFrom'>,
): Promise<{ master: string; keys: number; tenants: number }[]> =>
  db
    .selectFrom('data_key')
    .select(['master', sql<number>`count(*)::int`.as('keys')])
    .select(sql<number>`count(distinct tenant_id)::int`.as('tenants'))
    .groupBy('master')
    .orderBy('master')
    .execute()

/** Tenants that have a key, or one that another master key than `except` wrapped; the owner's pool asking. */
export async function listKeyedTenants(db: Pick<Tx, 'selectFrom'>, except?: string): Promise<string[]> {
  const all = db.selectFrom('data_key').select('tenant_id').distinct().orderBy('tenant_id')
  const rows = await (except === undefined ? all : all.where('master', '<>', except)).execute()
  return rows.map((row) => row.tenant_id)
}

/** All secrets, and how many of them are sealed by another than their tenant's newest key; the owner's pool asking. */
export const countSecrets = (db: Pick<Tx, 'selectFrom'>): Promise<{ secrets: number; waiting: number }> =>
  db
    .selectFrom('secret')
    .select(sql<number>`count(*)::int`.as('secrets'))
    .select(
      sql<number>`count(*) filter (where key < (select max(k.version) from data_key k
                                                 where k.tenant_id = secret.tenant_id))::int`.as('waiting'),
    )
    .executeTakeFirstOrThrow()

export type Owner = { tenant_id: string; owner_id: string }
export type SecretRow = { owner_id: string; field: string; version: number; sealed: Buffer }

export const findSecret = (tx: Tx, owner: Owner, field: string): Promise<SecretRow | undefined> =>
  tx
    .selectFrom('secret')
    .select(['owner_id', 'field', 'version', 'sealed'])
    .where('tenant_id', '=', owner.tenant_id)
    .where('owner_id', '=', owner.owner_id)
    .where('field', '=', field)
    .executeTakeFirst()

/** One secret of each tenant, the owner's pool asking: enough to try whether they open. */
export const listSecretPerTenant = (db: Pick<Tx, 'selectFrom'>): Promise<(Owner & { field: string })[]> =>
  db
    .selectFrom('secret')
    .distinctOn('tenant_id')
    .select(['tenant_id', 'owner_id', 'field'])
    .orderBy('tenant_id')
    .execute()

export const listSecrets = (tx: Tx, owner: Owner): Promise<SecretRow[]> =>
  tx
    .selectFrom('secret')
    .select(['owner_id', 'field', 'version', 'sealed'])
    .where('tenant_id', '=', owner.tenant_id)
    .where('owner_id', '=', owner.owner_id)
    .orderBy('field')
    .execute()

/** The lateral keeps it a look-up by key for each owner; a list of them is one filter over the tenant's rows to PostgreSQL 15. */
export async function listSecretsOf(tx: Tx, tenant_id: string, owner_ids: string[]): Promise<SecretRow[]> {
  const { rows } = await sql<SecretRow>`
    select s.owner_id, s.field, s.version, s.sealed from unnest(${owner_ids}::uuid[]) o(id)
     cross join lateral (select owner_id, field, version, sealed from secret
                          where tenant_id = ${tenant_id} and owner_id = o.id offset 0) s`.execute(tx)
  return rows
}

/**
 * Takes the next version of a secret and locks its row. The version is sealed in, so it must be known first; the
 * blank that stands there until `writeSecret` is seen by this transaction alone.
 */
export async function takeVersion(tx: Tx, owner: Owner, field: string): Promise<number> {
  const { tenant_id, owner_id } = owner
  const row = await tx
    .insertInto('secret')
    .values({ tenant_id, owner_id, field, version: 1, key: 0, sealed: Buffer.alloc(0) })
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'owner_id', 'field'])
        .doUpdateSet({ version: sql`secret.version + 1`, created_at: sql`now()` }),
    )
    .returning('version')
    .executeTakeFirstOrThrow()
  return row.version
}

export async function writeSecret(
  tx: Tx,
  owner: Owner,
  field: string,
  value: { key: number; sealed: Buffer },
): Promise<void> {
  await tx
    .updateTable('secret')
    .set(value)
    .where('tenant_id', '=', owner.tenant_id)
    .where('owner_id', '=', owner.owner_id)
    .where('field', '=', field)
    .execute()
}

/** When the secrets of one owner were last written; sealing them anew is no writing. Null where there are none. */
export async function findSecretTime(tx: Tx, owner: Owner): Promise<Date | null> {
  const { at } = await tx
    .selectFrom('secret')
    .select(({ fn }) => fn.max('created_at').as('at'))
    .where('tenant_id', '=', owner.tenant_id)
    .where('owner_id', '=', owner.owner_id)
    .executeTakeFirstOrThrow()
  return at
}

export type Held = { owner_id: string; fields: string[]; at: Date }

/** Of each of these owners which secrets it has, and when one was last written; those without any are left out. */
export async function listHeld(tx: Tx, tenant_id: string, owner_ids: string[]): Promise<Held[]> {
  const { rows } = await sql<Held>`
    select o.id as owner_id, array_agg(s.field order by s.field) as fields, max(s.created_at) as at
      from unnest(${owner_ids}::uuid[]) o(id)
     cross join lateral (select field, created_at from secret
                          where tenant_id = ${tenant_id} and owner_id = o.id offset 0) s
     group by o.id`.execute(tx)
  return rows
}

export async function deleteSecrets(tx: Tx, owner: Owner): Promise<void> {
  await tx
    .deleteFrom('secret')
    .where('tenant_id', '=', owner.tenant_id)
    .where('owner_id', '=', owner.owner_id)
    .execute()
}

/** Secrets sealed by an older key, locked; those that somebody is just replacing are left to the next batch. */
export const claimOldSecrets = (
  tx: Tx,
  tenant_id: string,
  key: number,
  limit: number,
): Promise<SecretRow[]> =>
  tx
    .selectFrom('secret')
    .select(['owner_id', 'field', 'version', 'sealed'])
    .where('tenant_id', '=', tenant_id)
    .where('key', '<', key)
    .orderBy('owner_id')
    .orderBy('field')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()

export async function countOldSecrets(tx: Tx, tenant_id: string, key: number): Promise<number> {
  const { count } = await tx
    .selectFrom('secret')
    .select((row) => row.fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('key', '<', key)
    .executeTakeFirstOrThrow()
  return Number(count)
}
