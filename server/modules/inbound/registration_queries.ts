import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/** Every statement on what vendors were told of the addresses of sources. */

export type RegistrationState = 'registering' | 'registered' | 'failed' | 'unregistering'

export type RegistrationRow = {
  tenant_id: string
  source_id: string
  connection_id: string
  provider: string
  state: RegistrationState
  target: Record<string, string>
  replace: boolean
  vendor_id: string | null
  url: string | null
  error: string | null
  asked: boolean
  version: number
  registered_at: Date | null
  updated_at: Date
}

const REGISTRATION = [
  'tenant_id',
  'source_id',
  'connection_id',
  'provider',
  'state',
  'target',
  'replace',
  'vendor_id',
  'url',
  'error',
  'asked',
  'version',
  'registered_at',
  'updated_at',
] as const

export type Place = { tenant_id: string; source_id: string }

export const findRegistration = (
  tx: Tx,
  { tenant_id, source_id }: Place,
): Promise<RegistrationRow | undefined> =>
  tx
    .selectFrom('source_registration')
    .select(REGISTRATION)
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .$castTo<RegistrationRow>()
    .executeTakeFirst()

type Wanted = Place & Pick<RegistrationRow, 'connection_id' | 'provider' | 'target' | 'replace'>

/** What is known of the vendor stays: it may have one already. */
export async function wantRegistration(tx: Tx, row: Wanted): Promise<void> {
  const { tenant_id, source_id, connection_id, provider, replace } = row
  const target = JSON.stringify(row.target)
  await sql`
    insert into source_registration as r (tenant_id, source_id, connection_id, provider, state, target, replace)
    values (${tenant_id}, ${source_id}, ${connection_id}, ${provider}, 'registering', ${target}::jsonb, ${replace})
    on conflict (tenant_id, source_id) do update
      set state = 'registering', connection_id = excluded.connection_id, target = excluded.target,
          replace = excluded.replace, error = null, version = r.version + 1, updated_at = now()`.execute(tx)
}

/** As it is to be now; false where there is none. */
export async function turnRegistration(
  tx: Tx,
  { tenant_id, source_id }: Place,
  state: 'registering' | 'unregistering',
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update source_registration set state = ${state}, error = null, version = version + 1, updated_at = now()
     where tenant_id = ${tenant_id} and source_id = ${source_id}`.execute(tx)
  return numAffectedRows > 0n
}

/** For whoever is about to ask the vendor: nobody else does meanwhile. Undefined where somebody does, or nothing is to be done. */
export async function leaseRegistration(
  tx: Tx,
  { tenant_id, source_id }: Place,
  lease_ms: number,
): Promise<RegistrationRow | undefined> {
  return tx
    .updateTable('source_registration')
    .set({ leased_until: sql<Date>`now() + ${lease_ms}::float8 * interval '1 ms'` })
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .where('state', 'in', ['registering', 'unregistering'])
    .where(sql<boolean>`(leased_until is null or leased_until < now())`)
    .returning(REGISTRATION)
    .$castTo<RegistrationRow>()
    .executeTakeFirst()
}

/** Before the vendor is asked to make one. */
export async function noteAsked(tx: Tx, { tenant_id, source_id }: Place): Promise<void> {
  await tx
    .updateTable('source_registration')
    .set({ asked: true })
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .execute()
}

/** What the vendor has is true whatever is wanted by now; `state` and `error` only of what was wanted when it was asked. */
export type Outcome = {
  state: RegistrationState
  vendor_id: string | null
  url: string | null
  error: string | null
  asked: boolean
}

export async function settleRegistration(
  tx: Tx,
  { tenant_id, source_id, version }: RegistrationRow,
  { state, vendor_id, url, error, asked }: Outcome,
): Promise<void> {
  await sql`
    update source_registration
       set vendor_id = ${vendor_id}, url = ${url}, asked = ${asked}, leased_until = null, updated_at = now(),
           registered_at = case when ${vendor_id}::text is null then null else coalesce(registered_at, now()) end,
           replace = replace and not (version = ${version} and ${state}::text = 'registered'), -- it was leave for this once
           state = case when version = ${version} then ${state}::text else state end,
           error = case when version = ${version} then ${error}::text else error end
     where tenant_id = ${tenant_id} and source_id = ${source_id}`.execute(tx)
}

/** False where it is wanted again: then what the vendor no longer has is forgotten alone. */
export async function deleteRegistration(tx: Tx, row: RegistrationRow): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('source_registration')
    .where('tenant_id', '=', row.tenant_id)
    .where('source_id', '=', row.source_id)
    .where('version', '=', row.version)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}
