import { type Insertable, type Selectable, sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { INSTALLATION } from '../app.ts'

export type ProviderRow = Selectable<Tables['sign_in_provider']>

export const insertProvider = (
  tx: Tx,
  row: Omit<Insertable<Tables['sign_in_provider']>, 'tenant_id'>,
): Promise<ProviderRow> =>
  tx
    .insertInto('sign_in_provider')
    .values({ ...row, tenant_id: INSTALLATION })
    .returningAll()
    .executeTakeFirstOrThrow()

export const findProvider = (tx: Tx, id: string): Promise<ProviderRow | undefined> =>
  tx
    .selectFrom('sign_in_provider')
    .selectAll()
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .executeTakeFirst()

export const listProvidersPage = (tx: Tx, before: string | null, limit: number): Promise<ProviderRow[]> =>
  tx
    .selectFrom('sign_in_provider')
    .selectAll()
    .where('tenant_id', '=', INSTALLATION)
    .$if(before !== null, (q) => q.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

/** Whether a company lets people of this domain in to the tenant, whoever they are. */
export async function isDomainOf(tx: Tx, member_tenant_id: string, domain: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sign_in_provider')
    .select('id')
    .where((is) => is.and({ tenant_id: INSTALLATION, member_tenant_id }))
    .where(sql<boolean>`${domain} = any(domains)`)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** With whom it meant; the people stay. */
export async function deleteProvider(tx: Tx, id: string): Promise<boolean> {
  await tx
    .deleteFrom('person_identity')
    .where((is) => is.and({ tenant_id: INSTALLATION, provider_id: id }))
    .execute()
  const { numDeletedRows } = await tx
    .deleteFrom('sign_in_provider')
    .where((is) => is.and({ tenant_id: INSTALLATION, id }))
    .executeTakeFirst()
  return numDeletedRows === 1n
}

type Identity = { provider_id: string; subject: string; person_id: string }

export async function insertIdentity(tx: Tx, row: Identity): Promise<void> {
  await tx
    .insertInto('person_identity')
    .values({ ...row, tenant_id: INSTALLATION })
    .execute()
}

export async function personOfIdentity(tx: Tx, provider_id: string, subject: string): Promise<string | null> {
  const row = await tx
    .selectFrom('person_identity')
    .select('person_id')
    .where((is) => is.and({ tenant_id: INSTALLATION, provider_id, subject }))
    .executeTakeFirst()
  return row?.person_id ?? null
}

export async function deleteIdentitiesOf(tx: Tx, person_id: string): Promise<void> {
  await tx
    .deleteFrom('person_identity')
    .where((is) => is.and({ tenant_id: INSTALLATION, person_id }))
    .execute()
}
