import { type Insertable, type Selectable, sql } from 'kysely'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'

/** Every statement on the links to a customer's page. */

const LINK = [
  'id',
  'customer',
  'event_types',
  'can_edit',
  'theme',
  'locale',
  'frame_origins',
  'expires_at',
] as const

export type LinkRow = Pick<Selectable<Tables['portal_link']>, (typeof LINK)[number]>

/** What a token says of who comes with it. */
export type Bearer = {
  tenant_id: string
  id: string
  customer: string
  environment: 'live' | 'test'
  event_types: string[] | null
  can_edit: boolean
  expires_at: Date
}

/** Runs before a tenant is known, through the gate; the link may have expired. */
export async function linkByHash(app: Db, hash: Buffer): Promise<Bearer | null> {
  const { rows } = await sql<Bearer>`select * from portal_link_by_hash(${hash})`.execute(app)
  return rows[0] ?? null
}

export type Frame = { frame_origins: string[]; logo_url: string | null; expires_at: Date }

/** Runs before a tenant is known, through the gate. */
export async function frameOf(app: Db, id: string): Promise<Frame | null> {
  const { rows } = await sql<Frame>`select * from portal_frame(${id})`.execute(app)
  return rows[0] ?? null
}

export const insertLink = (tx: Tx, row: Insertable<Tables['portal_link']>): Promise<LinkRow> =>
  tx.insertInto('portal_link').values(row).returning(LINK).executeTakeFirstOrThrow()

export const findLink = (tx: Tx, tenant_id: string, id: string): Promise<LinkRow | undefined> =>
  tx
    .selectFrom('portal_link')
    .select(LINK)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export const listLinks = (
  tx: Tx,
  tenant_id: string,
  customer: string | null,
  limit: number,
  before: string | null,
): Promise<LinkRow[]> =>
  tx
    .selectFrom('portal_link')
    .select(LINK)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ customer }, limit, before))
    .execute()

export type Deleted = { id: string; token_hash: Buffer }

export const deleteLinks = (
  tx: Tx,
  tenant_id: string,
  which: { id: string } | { customer: string },
): Promise<Deleted[]> => {
  const query = tx.deleteFrom('portal_link').where('tenant_id', '=', tenant_id)
  const chosen =
    'id' in which ? query.where('id', '=', which.id) : query.where('customer', '=', which.customer)
  return chosen.returning(['id', 'token_hash']).execute()
}

/** Those that are over, of all tenants. */
export async function deleteExpired(owner: Db, now: Date): Promise<void> {
  await owner.deleteFrom('portal_link').where('expires_at', '<', now).execute()
}
