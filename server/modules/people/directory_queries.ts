import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { INSTALLATION } from '../app.ts'
import type { PersonRow } from './queries.ts'
import type { Role } from './schema.ts'

/** Without what proves them, and with how many sessions hold still. */
export type ListedPerson = Pick<
  PersonRow,
  'id' | 'email' | 'name' | 'language' | 'state' | 'totp_since' | 'seen_at' | 'created_at'
> & { codes_left: number; sessions: number }

export type Membership = {
  person_id: string
  tenant_id: string
  member_id: string
  role: Role
  state: 'active' | 'suspended'
  name: string
}

type Since = { now: Date; idle: Date }

const people = (tx: Tx, { now, idle }: Since) =>
  tx
    .selectFrom('person')
    .select(['id', 'email', 'name', 'language', 'state', 'totp_since', 'seen_at', 'created_at'])
    .select(sql<number>`cardinality(recovery_codes)`.as('codes_left'))
    .select(
      sql<number>`(select count(*)::int from person_session s
                    where s.tenant_id = ${INSTALLATION} and s.person_id = person.id
                      and s.expires_at > ${now} and s.seen_at > ${idle})`.as('sessions'),
    )
    .where('person.tenant_id', '=', INSTALLATION)

export const listPeoplePage = (
  tx: Tx,
  since: Since,
  { email, before, limit }: { email: string | null; before: string | null; limit: number },
): Promise<ListedPerson[]> =>
  people(tx, since)
    .$if(email !== null, (q) => q.where('person.email', '=', email as string))
    .$if(before !== null, (q) => q.where('person.id', '<', before as string))
    .orderBy('person.id', 'desc')
    .limit(limit)
    .execute()

export const findListed = (tx: Tx, since: Since, id: string): Promise<ListedPerson | undefined> =>
  people(tx, since).where('person.id', '=', id).executeTakeFirst()

/**
 * Of every tenant, so for the administrator of the installation alone: in a transaction of anybody else there is none.
 * Of a person the oldest tenant first.
 */
export async function membershipsOf(tx: Tx, ids: readonly string[]): Promise<Membership[]> {
  const { rows } = await sql<Membership>`select * from memberships_of_people(${ids}::uuid[])`.execute(tx)
  return rows
}
