import { sql } from 'kysely'
import type { Database, Tx } from '../../platform/database/database.ts'

/** Every statement on what connections were given to be let in by, and on visits to a page of consent. */

export type TokenRow = {
  id: string
  version: number
  made_for: number
  state: 'live' | 'refused'
  note: string | null
  scope: string | null
  expires_at: Date | null
  renew_at: Date | null
  consented_at: Date | null
}

const TOKEN = [
  'id',
  'version',
  'made_for',
  'state',
  'note',
  'scope',
  'expires_at',
  'renew_at',
  'consented_at',
] as const

/** `own` is what the connection is let in by; `client` a token beside it that is nobody's consent. */
export type Purpose = 'own' | 'client'
export type Place = { tenant_id: string; connection_id: string; purpose: Purpose }

const FREE = { claim: null, claimed_until: null } as const

export const findToken = (
  tx: Tx,
  { tenant_id, connection_id, purpose }: Place,
): Promise<TokenRow | undefined> =>
  tx
    .selectFrom('connection_token')
    .select(TOKEN)
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('purpose', '=', purpose)
    .executeTakeFirst()

/**
 * One process at a time, and only where the version is still the one that was seen. The database's clock ends a claim,
 * whatever the clocks of the processes say.
 */
export async function claimToken(
  tx: Tx,
  { tenant_id, connection_id, purpose }: Place,
  claim: { id: string; seen: number; made_for: number; lease_ms: number; new_id: string },
): Promise<TokenRow | undefined> {
  return tx
    .insertInto('connection_token')
    .values({
      tenant_id,
      connection_id,
      purpose,
      id: claim.new_id,
      claim: claim.id,
      claimed_until: sql<Date>`now() + ${claim.lease_ms} * interval '1 ms'`,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'connection_id', 'purpose'])
        .doUpdateSet(({ ref }) => ({
          claim: ref('excluded.claim'),
          claimed_until: ref('excluded.claimed_until'),
        }))
        .where('connection_token.version', '=', claim.seen)
        .where(({ or, eb, fn }) =>
          or([
            eb('connection_token.claimed_until', 'is', null),
            eb('connection_token.claimed_until', '<', fn<Date>('now')),
          ]),
        )
        .where(({ or, eb, fn }) =>
          or([
            eb('connection_token.state', '=', 'live'),
            eb('connection_token.made_for', '<>', claim.made_for),
            eb('connection_token.renew_at', '<', fn<Date>('now')),
          ]),
        ),
    )
    .returning(TOKEN)
    .executeTakeFirst()
}

type NewToken = Pick<TokenRow, 'made_for' | 'scope' | 'expires_at' | 'renew_at' | 'consented_at'>

/** By compare-and-set: nothing where another version was written since `seen`. The claim ends with it. */
export const replaceToken = (
  tx: Tx,
  { tenant_id, connection_id, purpose }: Place,
  seen: number,
  token: NewToken,
): Promise<{ id: string } | undefined> =>
  tx
    .updateTable('connection_token')
    .set({ ...token, ...FREE, state: 'live', note: null, version: seen + 1 })
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('purpose', '=', purpose)
    .where('version', '=', seen)
    .returning('id')
    .executeTakeFirst()

/** What somebody just consented to takes the place of whatever was there, also while it is being renewed. */
export const insertConsent = (tx: Tx, place: Place, id: string, token: NewToken): Promise<{ id: string }> =>
  tx
    .insertInto('connection_token')
    .values({ ...place, ...token, id, version: 1 })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'connection_id', 'purpose']).doUpdateSet(({ eb }) => ({
        ...token,
        ...FREE,
        state: 'live',
        note: null,
        version: eb('connection_token.version', '+', 1),
      })),
    )
    .returning('id')
    .executeTakeFirstOrThrow()

/** Gives the claim back; whoever comes next asks again. */
export async function releaseToken(
  tx: Tx,
  { tenant_id, connection_id, purpose }: Place,
  claim: string,
): Promise<void> {
  await tx
    .updateTable('connection_token')
    .set(FREE)
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('purpose', '=', purpose)
    .where('claim', '=', claim)
    .execute()
}

/** What a refusal is beside what is on record: nothing where a newer token was written since. */
export type Refused = { is_known: boolean } | null

/** The vendor will not renew it. Known is what was refused before, for the same credentials. */
export async function refuseToken(
  tx: Tx,
  { tenant_id, connection_id, purpose }: Place,
  refused: { seen: number; made_for: number; note: string; renew_at: Date | null },
): Promise<Refused> {
  const { seen, made_for, note, renew_at } = refused
  const before = await tx
    .selectFrom('connection_token')
    .select(['state', 'made_for'])
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('purpose', '=', purpose)
    .where('version', '=', seen)
    .forUpdate()
    .executeTakeFirst()
  if (!before) return null
  await tx
    .updateTable('connection_token')
    .set({ ...FREE, state: 'refused', note, made_for, renew_at })
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('purpose', '=', purpose)
    .execute()
  return { is_known: before.state === 'refused' && before.made_for === made_for }
}

export const deleteTokens = (
  tx: Tx,
  { tenant_id, connection_id }: Omit<Place, 'purpose'>,
): Promise<{ id: string; purpose: Purpose }[]> =>
  tx
    .deleteFrom('connection_token')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .returning(['id', 'purpose'])
    .execute()

/** Whether there is any to renew. */
export const ANY_RENEWABLE = sql<boolean>`exists (
  select from connection_token where consented_at is not null and state = 'live' and renew_at <= now())`

/** Consents that nobody used of late and that would end for want of it; of all tenants. */
export const listRenewable = (db: Database['worker'], limit: number): Promise<Place[]> =>
  db
    .selectFrom('connection_token')
    .select(['tenant_id', 'connection_id', 'purpose'])
    .where('consented_at', 'is not', null)
    .where('state', '=', 'live')
    .where('renew_at', '<=', new Date())
    .orderBy('renew_at')
    .limit(limit)
    .execute()

/** What is to be done once they are back, whatever they come back with. */
export type Afterwards = { kind: string; payload: Record<string, string> }

type NewState = Omit<Place, 'purpose'> & {
  state_hash: Buffer
  verifier: Buffer
  redirect_uri: string
  return_to: string | null
  actor: string
  afterwards: Afterwards | null
  expires_at: Date
}

/** Those of the tenant that nobody came back with go at the same time. */
export async function insertState(tx: Tx, row: NewState): Promise<void> {
  await tx
    .deleteFrom('oauth_state')
    .where('tenant_id', '=', row.tenant_id)
    .where('expires_at', '<', new Date())
    .execute()
  const values = { ...row, afterwards: row.afterwards && JSON.stringify(row.afterwards) }
  await tx.insertInto('oauth_state').values(values).execute()
}

/** Whose visit it is; null where it is over, or was never begun. */
export async function tenantOfState(db: Database, state_hash: Buffer): Promise<string | null> {
  const { rows } = await db.app.pool.query<{ tenant_id: string }>(
    'select tenant_id from oauth_state_by_hash($1)',
    [state_hash],
  )
  return rows[0]?.tenant_id ?? null
}

/** Once: whoever comes second finds nothing. */
export const takeState = (tx: Tx, tenant_id: string, state_hash: Buffer) =>
  tx
    .deleteFrom('oauth_state')
    .where('tenant_id', '=', tenant_id)
    .where('state_hash', '=', state_hash)
    .returning(['connection_id', 'verifier', 'redirect_uri', 'return_to', 'actor', 'afterwards'])
    .executeTakeFirst()
