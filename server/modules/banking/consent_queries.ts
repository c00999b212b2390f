import { sql } from 'kysely'
import type { VendorConsent } from '../../kit/banking.ts'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Every statement on consents. */

export type ConsentState = 'CREATING' | VendorConsent['status']

export type ConsentRow = {
  tenant_id: string
  id: string
  bank_id: string
  connection_id: string
  user_id: string
  vendor_id: string | null
  state: ConsentState
  permissions: string[]
  rejection: VendorConsent['rejection']
  expires_at: Date | null
  authorised_at: Date | null
  look_at: Date | null
  warned_at: Date | null
  let_in_at: Date | null
  /** Whether the bank knows that we ended it; null: there is nothing to tell. */
  revocation: 'pending' | 'heard' | 'failed' | null
  created_at: Date
  updated_at: Date
}

const CONSENT = [
  'tenant_id',
  'id',
  'bank_id',
  'connection_id',
  'user_id',
  'vendor_id',
  'state',
  'permissions',
  'rejection',
  'expires_at',
  'authorised_at',
  'look_at',
  'warned_at',
  'let_in_at',
  'revocation',
  'created_at',
  'updated_at',
] as const

type NewConsent = Pick<
  ConsentRow,
  'tenant_id' | 'id' | 'bank_id' | 'connection_id' | 'user_id' | 'permissions' | 'look_at'
>

export async function insertConsent(tx: Tx, { permissions, ...row }: NewConsent): Promise<void> {
  const values = { ...row, state: 'CREATING' as const, permissions: JSON.stringify(permissions) }
  await tx.insertInto('bank_consent').values(values).execute()
}

export const findConsent = (tx: Tx, { tenant_id, id }: Place): Promise<ConsentRow | undefined> =>
  tx
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<ConsentRow | undefined>

type Change = Partial<
  Pick<ConsentRow, 'vendor_id' | 'state' | 'permissions' | 'rejection' | 'expires_at' | 'authorised_at'> &
    Pick<ConsentRow, 'look_at' | 'warned_at' | 'let_in_at'>
>

/** Only from one of these states: nothing where somebody else was first. */
export function moveConsent(
  tx: Tx,
  { tenant_id, id }: Place,
  from: readonly ConsentState[],
  { permissions, rejection, ...change }: Change,
): Promise<ConsentRow | undefined> {
  return tx
    .updateTable('bank_consent')
    .set({
      ...change,
      ...(permissions && { permissions: JSON.stringify(permissions) }),
      ...(rejection !== undefined && { rejection: rejection && JSON.stringify(rejection) }),
      ...(change.state === 'REJECTED' && { look_at: null }),
      updated_at: new Date(),
    })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', 'in', from)
    .returning(CONSENT)
    .executeTakeFirst() as Promise<ConsentRow | undefined>
}

/**
 * As the bank says that it still holds, and until when; nothing where it was extended, or ended, since `seen` was read:
 * then what the bank was asked before is old.
 */
export function holdOn(
  tx: Tx,
  seen: Pick<ConsentRow, 'tenant_id' | 'id' | 'expires_at'>,
  change: Pick<ConsentRow, 'expires_at' | 'look_at'>,
): Promise<unknown> {
  return tx
    .updateTable('bank_consent')
    .set({ ...change, updated_at: new Date() })
    .where('tenant_id', '=', seen.tenant_id)
    .where('id', '=', seen.id)
    .where('state', '=', 'AUTHORISED')
    .where('expires_at', seen.expires_at === null ? 'is' : '=', seen.expires_at)
    .execute()
}

/** `failed` only of what was pending: that it was given up is told once. */
export function markRevocation(
  tx: Tx,
  { tenant_id, id }: Place,
  revocation: NonNullable<ConsentRow['revocation']>,
): Promise<ConsentRow | undefined> {
  let query = tx
    .updateTable('bank_consent')
    .set({ revocation })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
  if (revocation === 'failed') query = query.where('revocation', '=', 'pending')
  return query.returning(CONSENT).executeTakeFirst() as Promise<ConsentRow | undefined>
}

/** Whether somebody came back with a token for the same connection after the person of this one had. */
export async function isFollowed(
  tx: Tx,
  { tenant_id, id, connection_id, let_in_at, authorised_at }: ConsentRow,
): Promise<boolean> {
  const since = let_in_at ?? authorised_at
  if (since === null) return false
  const row = await tx
    .selectFrom('bank_consent')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('id', '<>', id)
    .where('let_in_at', '>', since)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Nothing where somebody was told already. */
export const markWarned = (tx: Tx, { tenant_id, id }: Place, now: Date): Promise<ConsentRow | undefined> =>
  tx
    .updateTable('bank_consent')
    .set({ warned_at: now, updated_at: now })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'AUTHORISED')
    .where('warned_at', 'is', null)
    .returning(CONSENT)
    .executeTakeFirst() as Promise<ConsentRow | undefined>

/** Newest first. */
export function listConsents(
  tx: Tx,
  tenant_id: string,
  of: { bank_id?: string | undefined; user_id?: string | undefined },
  limit: number,
  before: string | null,
): Promise<ConsentRow[]> {
  return tx
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(of, limit, before))
    .execute() as Promise<ConsentRow[]>
}

/** Of a bank, those that hold. */
export const listAuthorised = (tx: Tx, { tenant_id, id }: Place): Promise<ConsentRow[]> =>
  tx
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', id)
    .where('state', '=', sql.lit('AUTHORISED'))
    .execute() as Promise<ConsentRow[]>

/** Of a bank, those that are not over; nobody else moves them meanwhile. */
export const listOpen = (tx: Tx, { tenant_id, id }: Place): Promise<ConsentRow[]> =>
  tx
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', id)
    .where('state', '<>', 'REJECTED')
    .orderBy('id')
    .forUpdate()
    .execute() as Promise<ConsentRow[]>

const MOST_ENDED = 50

/** Of a bank, those that ended after `since` and that the bank knows of, newest first. */
export const listEnded = (tx: Tx, { tenant_id, id }: Place, since: Date): Promise<{ id: string }[]> =>
  tx
    .selectFrom('bank_consent')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', id)
    .where('state', '=', 'REJECTED')
    .where('vendor_id', 'is not', null)
    .where('updated_at', '>', since)
    .orderBy('id', 'desc')
    .limit(MOST_ENDED)
    .execute()

/** The one that lets the bank be asked now: the newest where there are several. */
export const findCurrent = (tx: Tx, { tenant_id, id }: Place, now: Date): Promise<ConsentRow | undefined> =>
  tx
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', id)
    .where('state', '=', sql.lit('AUTHORISED'))
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .orderBy('authorised_at', 'desc')
    .limit(1)
    .executeTakeFirst() as Promise<ConsentRow | undefined>

/** Whether somebody else was ever sent to their bank for this connection. */
export async function isConsentOfAnother(
  tx: Tx,
  { tenant_id, id }: Place,
  user_id: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('bank_consent')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', id)
    .where('vendor_id', 'is not', null)
    .where('user_id', '<>', user_id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

const MOST_AT_ONCE = 500

/** Of all tenants: those of whose fate the bank is to be asked, the longest overdue first. */
export const listDue = (db: Db, now: Date): Promise<ConsentRow[]> =>
  db
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('look_at', '<', now)
    .orderBy('look_at')
    .limit(MOST_AT_ONCE)
    .execute() as Promise<ConsentRow[]>

/** Whether there is any to ask the bank of, or to tell of in the week before its end. */
export const ANY_CONSENT_DUE = sql<boolean>`
  exists (select from bank_consent where look_at < now())
  or exists (select from bank_consent where state = 'AUTHORISED' and expires_at < now() + interval '7 days' and warned_at is null)`

/** Nobody else asks the bank of it before `until`; nothing where somebody was first. */
export const claimConsent = (
  tx: Tx,
  { tenant_id, id }: Place,
  now: Date,
  until: Date,
): Promise<ConsentRow | undefined> =>
  tx
    .updateTable('bank_consent')
    .set({ look_at: until })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('look_at', '<', now)
    .returning(CONSENT)
    .executeTakeFirst() as Promise<ConsentRow | undefined>

/** Of all tenants: those that end before `until`, and of which nobody was told. */
export const listEnding = (db: Db, until: Date): Promise<ConsentRow[]> =>
  db
    .selectFrom('bank_consent')
    .select(CONSENT)
    .where('state', '=', sql.lit('AUTHORISED'))
    .where('expires_at', '<', until)
    .where('warned_at', 'is', null)
    .limit(MOST_AT_ONCE)
    .execute() as Promise<ConsentRow[]>
