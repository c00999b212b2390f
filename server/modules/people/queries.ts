import { type Insertable, type Selectable, sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { INSTALLATION } from '../app.ts'
import type { Role } from './schema.ts'

export type PersonRow = Selectable<Tables['person']>
export type SessionRow = Omit<Selectable<Tables['person_session']>, 'token_hash'>
export type LinkRow = Selectable<Tables['person_link']>

// People

export const insertPerson = (
  tx: Tx,
  row: Omit<Insertable<Tables['person']>, 'tenant_id'>,
): Promise<PersonRow> =>
  tx
    .insertInto('person')
    .values({ ...row, tenant_id: INSTALLATION })
    .returningAll()
    .executeTakeFirstOrThrow()

export const findPerson = (tx: Tx, id: string): Promise<PersonRow | undefined> =>
  tx
    .selectFrom('person')
    .selectAll()
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .executeTakeFirst()

/** Held until the transaction ends. Taken before the person's sessions and places are changed. */
export const lockPerson = (tx: Tx, id: string): Promise<PersonRow | undefined> =>
  tx
    .selectFrom('person')
    .selectAll()
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .forUpdate()
    .executeTakeFirst()

export const findPersonByEmail = (tx: Tx, email: string): Promise<PersonRow | undefined> =>
  tx
    .selectFrom('person')
    .selectAll()
    .where((is) => is.and({ tenant_id: INSTALLATION, email }))
    .executeTakeFirst()

type Changed = 'name' | 'language' | 'password' | 'state' | 'totp_since' | 'totp_step' | 'recovery_codes'
type PersonChange = Partial<Pick<PersonRow, Changed>>

export const movePerson = (tx: Tx, id: string, change: PersonChange): Promise<PersonRow> =>
  tx
    .updateTable('person')
    .set(change)
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .returningAll()
    .executeTakeFirstOrThrow()

/** False where the password is another by now, or the person is suspended or gone. Waits for whoever is changing it. */
export async function markSignedIn(tx: Tx, { id, password }: PersonRow, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('person')
    .set({ signed_in_at: now, seen_at: now })
    .where((is) => is.and({ tenant_id: INSTALLATION, id, state: 'active' }))
    .where('password', 'is not distinct from', password)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Where a code of this step was not used yet; so of two that come at once one is taken. */
export async function takeTotpStep(tx: Tx, id: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('person')
    .set({ totp_step: step })
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .where('totp_step', '<', step)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** How many are left; null where it is none of theirs, or was used: so of two that come at once one is taken. */
export async function takeRecoveryCode(tx: Tx, id: string, hash: Buffer): Promise<number | null> {
  const { rows } = await sql<{ left: number }>`
    update person set recovery_codes = array_remove(recovery_codes, ${hash}::bytea)
     where tenant_id = ${INSTALLATION} and id = ${id} and ${hash}::bytea = any(recovery_codes)
    returning cardinality(recovery_codes) as left`.execute(tx)
  return rows[0]?.left ?? null
}

export async function deletePerson(tx: Tx, id: string): Promise<void> {
  await tx
    .deleteFrom('person')
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .execute()
}

/** Held until the transaction ends: who is the first administrator is decided once. */
export const lockFirst = (tx: Tx): Promise<unknown> => sql`select pg_advisory_xact_lock(7425203)`.execute(tx)

// Where a person may act

export type Place = { tenant_id: string; member_id: string; role: Role; name: string }

/** The oldest tenant first, and before all of them the installation. */
export async function placesOfPerson(db: Db | Tx, person_id: string): Promise<Place[]> {
  const { rows } = await sql<Place>`select * from places_of_person(${person_id}::uuid)`.execute(db)
  return rows
}

export async function isMemberSomewhere(tx: Tx, person_id: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`select is_member_somewhere(${person_id}::uuid) as is`.execute(
    tx,
  )
  return rows[0]?.is ?? false
}

// Sessions

type NewSession = Pick<SessionRow, 'id' | 'person_id' | 'ip' | 'agent' | 'created_at' | 'expires_at'> & {
  token_hash: Buffer
}

export async function insertSession(tx: Tx, row: NewSession): Promise<void> {
  await tx
    .insertInto('person_session')
    .values({ ...row, tenant_id: INSTALLATION, seen_at: row.created_at })
    .execute()
}

export const findSessionByHash = (tx: Tx, token_hash: Buffer) =>
  tx
    .selectFrom('person_session')
    .select(['id', 'person_id', 'seen_at', 'expires_at'])
    .where((is) => is.and({ tenant_id: INSTALLATION, token_hash }))
    .executeTakeFirst()

/** True where it was changed: of many requests at once one says so to the other processes. */
export async function touchSessionRow(
  tx: Tx,
  { session_id, person_id }: { session_id: string; person_id: string },
  now: Date,
  before: Date,
): Promise<boolean> {
  await tx
    .updateTable('person') // before its session, as whoever ends sessions locks them
    .set({ seen_at: now })
    .where((is) => is.and({ tenant_id: INSTALLATION, id: person_id }))
    .where('seen_at', '<', before)
    .execute()
  const { numUpdatedRows } = await tx
    .updateTable('person_session')
    .set({ seen_at: now })
    .where((is) => is.and({ tenant_id: INSTALLATION, id: session_id }))
    .where('seen_at', '<', before)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

export function listSessionsPage(
  tx: Tx,
  person_id: string,
  since: { idle: Date; now: Date },
  before: string | null,
  limit: number,
): Promise<SessionRow[]> {
  return tx
    .selectFrom('person_session')
    .select(['tenant_id', 'id', 'person_id', 'ip', 'agent', 'created_at', 'seen_at', 'expires_at'])
    .where((is) => is.and({ tenant_id: INSTALLATION, person_id }))
    .where('expires_at', '>', since.now)
    .where('seen_at', '>', since.idle)
    .$if(before !== null, (q) => q.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Of one session, or of all the person has but one, the hashes that every process is to forget. */
export async function deleteSessions(
  tx: Tx,
  person_id: string,
  which: { only: string } | { but: string | null },
): Promise<Buffer[]> {
  const rows = await tx
    .deleteFrom('person_session')
    .where((is) => is.and({ tenant_id: INSTALLATION, person_id }))
    .$if('only' in which, (q) => q.where('id', '=', (which as { only: string }).only))
    .$if('but' in which && which.but !== null, (q) => q.where('id', '<>', (which as { but: string }).but))
    .returning('token_hash')
    .execute()
  return rows.map(({ token_hash }) => token_hash)
}

export async function hashesOfPerson(tx: Tx, person_id: string): Promise<Buffer[]> {
  const rows = await tx
    .selectFrom('person_session')
    .select('token_hash')
    .where((is) => is.and({ tenant_id: INSTALLATION, person_id }))
    .execute()
  return rows.map(({ token_hash }) => token_hash)
}

// Links

export async function insertLink(
  tx: Tx,
  row: Omit<Insertable<Tables['person_link']>, 'tenant_id'>,
): Promise<void> {
  await tx
    .insertInto('person_link')
    .values({ ...row, tenant_id: INSTALLATION })
    .execute()
}

/** Before it is taken: what it is for decides what has to be proven. */
export const findLink = (tx: Tx, token_hash: Buffer, now: Date): Promise<LinkRow | undefined> =>
  tx
    .selectFrom('person_link')
    .selectAll()
    .where((is) => is.and({ tenant_id: INSTALLATION, token_hash }))
    .where('expires_at', '>', now)
    .executeTakeFirst()

/** Once: whoever comes second finds nothing. */
export const takeLink = (tx: Tx, token_hash: Buffer, now: Date): Promise<LinkRow | undefined> =>
  tx
    .deleteFrom('person_link')
    .where((is) => is.and({ tenant_id: INSTALLATION, token_hash }))
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst()

export async function deleteLinksOf(
  tx: Tx,
  whose: { kind: 'first' } | { member_id: string } | { person_id: string },
): Promise<void> {
  await tx
    .deleteFrom('person_link')
    .where((is) => is.and({ tenant_id: INSTALLATION, ...whose }))
    .execute()
}

// Failures to sign in

/** Counts one more and returns how many there were since `from`; older ones are forgotten. */
export async function countFailure(
  tx: Tx,
  who: Buffer,
  now: Date,
  from: Date,
): Promise<{ failures: number; since: Date }> {
  const { rows } = await sql<{ failures: number; since: Date }>`
    insert into sign_in_failure as f (tenant_id, who, failures, since) values (${INSTALLATION}, ${who}, 1, ${now})
    on conflict (tenant_id, who) do update
      set failures = case when f.since < ${from} then 1 else least(f.failures + 1, 1000000) end,
          since = case when f.since < ${from} then ${now} else f.since end
    returning failures, since`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('an upsert returned nothing')
  return row
}

export async function forgiveFailure(tx: Tx, who: Buffer, all: boolean): Promise<void> {
  const mine = sql`tenant_id = ${INSTALLATION} and who = ${who}`
  if (all) await sql`delete from sign_in_failure where ${mine}`.execute(tx)
  else await sql`update sign_in_failure set failures = greatest(failures - 1, 0) where ${mine}`.execute(tx)
}

/** What is over, of the whole installation. */
export async function deleteOver(owner: Db, now: Date, idle: Date, failed: Date): Promise<void> {
  await sql`delete from person_session where expires_at < ${now} or seen_at < ${idle}`.execute(owner)
  await sql`delete from person_link where expires_at < ${now}`.execute(owner)
  await sql`delete from sign_in_failure where since < ${failed}`.execute(owner)
}
