import type { Tx } from '../../platform/database/database.ts'
import { INSTALLATION } from '../app.ts'

/** What the search finds here: members by e-mail or by who they are. */

export type FoundMember = { id: string; email: string; role: string; state: string }

export const findMembersBy = async (
  tx: Tx,
  tenant_id: string,
  by: { email: string } | { person_id: string },
): Promise<string[]> => {
  const rows = await tx
    .selectFrom('member')
    .select('id')
    .where((is) => is.and({ tenant_id, ...by }))
    .limit(10)
    .execute()
  return rows.map(({ id }) => id)
}

export const describeMember = (tx: Tx, tenant_id: string, id: string): Promise<FoundMember | undefined> =>
  tx
    .selectFrom('member')
    .select(['id', 'email', 'role', 'state'])
    .where((is) => is.and({ tenant_id, id }))
    .executeTakeFirst()

/** Wants a transaction of the installation. */
export const describePerson = (
  tx: Tx,
  id: string,
): Promise<{ id: string; name: string; state: string } | undefined> =>
  tx
    .selectFrom('person')
    .select(['id', 'name', 'state'])
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .executeTakeFirst()
