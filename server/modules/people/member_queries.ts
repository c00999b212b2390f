import { type Insertable, type Selectable, sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { INSTALLATION } from '../app.ts'

export type MemberRow = Selectable<Tables['member']>
/** With what the person says of itself; null while nobody took the invitation. */
export type MemberWithPerson = MemberRow & {
  name: string | null
  totp_since: Date | null
  signed_in_at: Date | null
}

export const insertMember = (tx: Tx, row: Insertable<Tables['member']>): Promise<MemberRow> =>
  tx.insertInto('member').values(row).returningAll().executeTakeFirstOrThrow()

export const findMemberByEmail = (tx: Tx, tenant_id: string, email: string): Promise<MemberRow | undefined> =>
  tx
    .selectFrom('member')
    .selectAll()
    .where((is) => is.and({ tenant_id, email }))
    .executeTakeFirst()

const withPerson = (tx: Tx, tenant_id: string) =>
  tx
    .selectFrom('member')
    .leftJoin('person', (on) =>
      on.onRef('person.id', '=', 'member.person_id').on('person.tenant_id', '=', INSTALLATION),
    )
    .selectAll('member')
    .select(['person.name', 'person.totp_since', 'person.signed_in_at'])
    .where('member.tenant_id', '=', tenant_id)

/** Wants a transaction that sees the installation too. */
export const findMember = (tx: Tx, tenant_id: string, id: string): Promise<MemberWithPerson | undefined> =>
  withPerson(tx, tenant_id).where('member.id', '=', id).executeTakeFirst()

/** Wants a transaction that sees the installation too. */
export const listMembersPage = (
  tx: Tx,
  tenant_id: string,
  before: string | null,
  limit: number,
): Promise<MemberWithPerson[]> =>
  withPerson(tx, tenant_id)
    .$if(before !== null, (q) => q.where('member.id', '<', before as string))
    .orderBy('member.id', 'desc')
    .limit(limit)
    .execute()

export const moveMember = (
  tx: Tx,
  tenant_id: string,
  id: string,
  change: Partial<Pick<MemberRow, 'role' | 'state' | 'person_id'>>,
): Promise<MemberRow> =>
  tx
    .updateTable('member')
    .set(change)
    .where((is) => is.and({ tenant_id, id }))
    .returningAll()
    .executeTakeFirstOrThrow()

/** Returns whose place it was; null where nobody had taken it. */
export async function deleteMember(tx: Tx, tenant_id: string, id: string): Promise<string | null> {
  const row = await tx
    .deleteFrom('member')
    .where((is) => is.and({ tenant_id, id }))
    .returning('person_id')
    .executeTakeFirst()
  return row?.person_id ?? null
}

/** Held until the transaction ends: of two administrators who take each other's place away, one is second. */
export async function lockAdmins(tx: Tx, tenant_id: string): Promise<void> {
  await tx
    .selectFrom('member')
    .select('id')
    .where((is) => is.and({ tenant_id, role: 'admin' }))
    .orderBy('id')
    .forUpdate()
    .execute()
}

/** Whether somebody, but `but`, administers the installation, has signed up and is let in. */
export async function hasAdministrator(tx: Tx, but: string | null = null): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from member m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
                    where m.tenant_id = ${INSTALLATION} and m.state = 'active' and p.state = 'active'
                      and (${but}::uuid is null or p.id <> ${but}::uuid)) as is`.execute(tx)
  return rows[0]?.is ?? false
}
