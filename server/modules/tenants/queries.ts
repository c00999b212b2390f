import { type Insertable, type Selectable, sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'

export type TenantRow = Selectable<Tables['tenant']>
export type KeyRow = Selectable<Tables['api_key']>
export type ClientRow = Omit<Selectable<Tables['oauth_client']>, 'secret_hash'>
export type AuditRow = Selectable<Tables['audit']>

const TENANT = ['id', 'name', 'time_zone', 'created_at'] as const
const KEY = [
  'tenant_id',
  'id',
  'name',
  'hash',
  'hint',
  'environment',
  'scopes',
  'expires_at',
  'revoked_at',
  'created_at',
] as const
const CLIENT = [
  'tenant_id',
  'id',
  'client_id',
  'name',
  'environment',
  'scopes',
  'revoked_at',
  'created_at',
] as const

// Tenants

export const insertTenant = (tx: Tx, row: Insertable<Tables['tenant']>): Promise<TenantRow> =>
  tx.insertInto('tenant').values(row).returning(TENANT).executeTakeFirstOrThrow()

export const findTenant = (tx: Tx, id: string): Promise<TenantRow | undefined> =>
  tx.selectFrom('tenant').select(TENANT).where('id', '=', id).executeTakeFirst()

export async function listTenantsPage(app: Db, before: string | null, limit: number): Promise<TenantRow[]> {
  const { rows } = await sql<TenantRow>`select * from tenants_page(${before}::uuid, ${limit}::int)`.execute(
    app,
  )
  return rows
}

export function moveTenant(
  tx: Tx,
  id: string,
  change: { name?: string | undefined; time_zone?: string | undefined },
): Promise<TenantRow | undefined> {
  const { name, time_zone } = change
  return tx
    .updateTable('tenant')
    .set((is) => ({ name: name ?? is.ref('name'), time_zone: time_zone ?? is.ref('time_zone') }))
    .where('id', '=', id)
    .returning(TENANT)
    .executeTakeFirst()
}

// API keys

/** Who a credential stands for. */
export type Identity = {
  tenant_id: string
  id: string
  environment: 'live' | 'test'
  scopes: string[]
  expires_at: Date | null
}

/** Runs before a tenant is known, through the gate. */
export async function keyByHash(app: Db, hash: Buffer): Promise<Identity | null> {
  const { rows } = await sql<Identity>`select * from api_key_by_hash(${hash})`.execute(app)
  return rows[0] ?? null
}

export const insertKey = (tx: Tx, row: Insertable<Tables['api_key']>): Promise<KeyRow> =>
  tx.insertInto('api_key').values(row).returning(KEY).executeTakeFirstOrThrow()

export const findKey = (
  tx: Tx,
  tenant_id: string,
  environments: string[],
  id: string,
): Promise<KeyRow | undefined> =>
  tx
    .selectFrom('api_key')
    .select(KEY)
    .where((is) => is.and({ tenant_id, id }))
    .where('environment', 'in', environments as KeyRow['environment'][])
    .executeTakeFirst()

export function listKeysPage(
  tx: Tx,
  tenant_id: string,
  environments: string[],
  before: string | null,
  limit: number,
): Promise<KeyRow[]> {
  return tx
    .selectFrom('api_key')
    .select(KEY)
    .where('tenant_id', '=', tenant_id)
    .where('environment', 'in', environments as KeyRow['environment'][])
    .$if(before !== null, (q) => q.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export const revokeKeyRow = (tx: Tx, tenant_id: string, id: string, now: Date): Promise<KeyRow> =>
  tx
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where((is) => is.and({ tenant_id, id }))
    .returning(KEY)
    .executeTakeFirstOrThrow()

export const adminKeys = (tx: Tx, installation: string) =>
  tx
    .selectFrom('api_key')
    .select(['id', 'name', 'hash', 'expires_at', 'revoked_at'])
    .where('tenant_id', '=', installation)
    .where(sql<boolean>`'admin' = any (scopes)`)
    .execute()

export const lockAdminKeys = (tx: Tx): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(7425201)`.execute(tx)

// OAuth clients

export type ClientIdentity = Identity & { secret_hash: Buffer }

/** Runs before a tenant is known, through the gate. */
export async function clientByClientId(app: Db, client_id: string): Promise<ClientIdentity | null> {
  const { rows } = await sql<Omit<ClientIdentity, 'expires_at'>>`
    select * from oauth_client_by_client_id(${client_id})`.execute(app)
  const [row] = rows
  return row ? { ...row, expires_at: null } : null
}

export const insertClient = (tx: Tx, row: Insertable<Tables['oauth_client']>): Promise<ClientRow> =>
  tx.insertInto('oauth_client').values(row).returning(CLIENT).executeTakeFirstOrThrow()

export const findClientRow = (tx: Tx, tenant_id: string, id: string): Promise<ClientRow | undefined> =>
  tx
    .selectFrom('oauth_client')
    .select(CLIENT)
    .where((is) => is.and({ tenant_id, id }))
    .executeTakeFirst()

export function listClientsPage(
  tx: Tx,
  tenant_id: string,
  before: string | null,
  limit: number,
): Promise<ClientRow[]> {
  return tx
    .selectFrom('oauth_client')
    .select(CLIENT)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (q) => q.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export const revokeClientRow = (tx: Tx, tenant_id: string, id: string, now: Date): Promise<ClientRow> =>
  tx
    .updateTable('oauth_client')
    .set({ revoked_at: now })
    .where((is) => is.and({ tenant_id, id }))
    .returning(CLIENT)
    .executeTakeFirstOrThrow()

export const lockAccessTokenKey = (tx: Tx): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(7425202)`.execute(tx)

// Audit

/** The id is made here, a UUIDv7 of the database's clock, since the rooms that call have only their `tx`. */
export async function insertAudit(
  tx: Tx,
  row: Omit<Insertable<Tables['audit']>, 'id' | 'at'>,
): Promise<void> {
  const id = sql<string>`(left(v7_floor(clock_timestamp())::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid`
  await tx
    .insertInto('audit')
    .values({ ...row, id })
    .execute()
}

/** Of all tenants, for the owner: keys in use that expire, or did, between the two. */
export async function listExpiringKeys(
  db: Db,
  from: Date,
  to: Date,
): Promise<{ tenant_id: string; id: string; name: string; created_at: Date; expires_at: Date }[]> {
  return db
    .selectFrom('api_key')
    .select(['tenant_id', 'id', 'name', 'created_at', 'expires_at'])
    .where('revoked_at', 'is', null)
    .where('expires_at', '>=', from)
    .where('expires_at', '<', to)
    .limit(10_000)
    .$narrowType<{ expires_at: Date }>()
    .execute()
}

/** Exact words; `below` and `from` are ids, of which `from` belongs to it. */
export type AuditFilter = { actor?: string; action?: string; target?: string; from?: string; below?: string }

export function listAuditPage(
  tx: Tx,
  tenant_id: string,
  { actor, action, target, from, below }: AuditFilter,
  limit: number,
): Promise<AuditRow[]> {
  let query = tx.selectFrom('audit').selectAll().where('tenant_id', '=', tenant_id)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (action !== undefined) query = query.where('action', '=', action)
  if (target !== undefined) query = query.where('target', '=', target)
  if (from !== undefined) query = query.where('id', '>=', from)
  if (below !== undefined) query = query.where('id', '<', below)
  return query.orderBy('id', 'desc').limit(limit).execute()
}

// Idempotency keys

export type KeyHolder = { tenant_id: string; actor: string; key: string }
type Claimed = Pick<
  Selectable<Tables['idempotency_key']>,
  'fingerprint' | 'state' | 'process' | 'answer' | 'created_at'
>

/**
 * Takes the key where it is free or its row is older than `forgotten`, and returns null; else returns the row that
 * holds it. The insert waits for a rival's commit, so of many at once exactly one takes it.
 */
export async function claimKey(
  tx: Tx,
  claim: KeyHolder & { fingerprint: Buffer; process_id: string },
  times: { now: Date; forgotten: Date },
): Promise<Claimed | null> {
  const { tenant_id, actor, key, fingerprint, process_id } = claim
  const fresh = {
    fingerprint,
    state: 'started' as const,
    process: process_id,
    answer: null,
    created_at: times.now,
  }
  for (;;) {
    const mine = await tx
      .insertInto('idempotency_key')
      .values({ tenant_id, actor, key, ...fresh })
      .onConflict((on) =>
        on
          .columns(['tenant_id', 'actor', 'key'])
          .doUpdateSet(fresh)
          .where('idempotency_key.created_at', '<', times.forgotten),
      )
      .returning('key')
      .executeTakeFirst()
    if (mine) return null
    const held = await heldKey(tx, claim)
    if (held) return held // else it was freed between the two statements: take it
  }
}

const heldKey = (tx: Tx, { tenant_id, actor, key }: KeyHolder): Promise<Claimed | undefined> =>
  tx
    .selectFrom('idempotency_key')
    .select(['fingerprint', 'state', 'process', 'answer', 'created_at'])
    .where((is) => is.and({ tenant_id, actor, key }))
    .executeTakeFirst()

export async function closeKey(
  tx: Tx,
  claim: KeyHolder & { process_id: string },
  answer: Buffer,
): Promise<void> {
  await updateKey(tx, claim).set({ state: 'done', answer }).where('process', '=', claim.process_id).execute()
}

export async function loseKey(tx: Tx, claim: KeyHolder): Promise<void> {
  await updateKey(tx, claim).set({ state: 'unknown' }).where('state', '=', 'started').execute()
}

const updateKey = (tx: Tx, { tenant_id, actor, key }: KeyHolder) =>
  tx.updateTable('idempotency_key').where((is) => is.and({ tenant_id, actor, key }))

export async function deleteKey(tx: Tx, claim: KeyHolder & { process_id: string }): Promise<void> {
  const { tenant_id, actor, key, process_id: process } = claim
  await tx
    .deleteFrom('idempotency_key')
    .where((is) => is.and({ tenant_id, actor, key, process }))
    .execute()
}

/** In batches, so that nobody waits for a long delete. */
export async function deleteOldKeys(owner: Db, before: Date): Promise<number> {
  let deleted = 0
  for (;;) {
    const { numAffectedRows } = await sql`
      delete from idempotency_key where (tenant_id, actor, key) in (
        select tenant_id, actor, key from idempotency_key where created_at < ${before} order by created_at limit 1000)`.execute(
      owner,
    )
    deleted += Number(numAffectedRows ?? 0)
    if (Number(numAffectedRows ?? 0) < 1000) return deleted
  }
}
