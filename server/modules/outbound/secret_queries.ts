import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'

/** Every statement on secrets that were changed and sign still. */

/** `sealed` is base64, `until` when its overlap ends. */
export type PreviousSecret = { sealed: string; until: string }

/** Of two who change a secret at once the second sees what the first did. Null where there is no such subscription. */
export async function lockPreviousSecrets(
  tx: Tx,
  tenant_id: string,
  id: string,
): Promise<PreviousSecret[] | null> {
  const row = await tx
    .selectFrom('subscription')
    .select('previous_secrets')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .forUpdate()
    .$narrowType<{ previous_secrets: PreviousSecret[] }>()
    .executeTakeFirst()
  return row?.previous_secrets ?? null
}

/** Old secrets whose time of overlap is over, of all tenants. */
export async function forgetPreviousSecrets(owner: Db): Promise<void> {
  const is_open = sql`(one->>'until')::timestamptz > now()`
  await sql`
    update subscription
       set previous_secrets = coalesce((select jsonb_agg(one) from jsonb_array_elements(previous_secrets) one where ${is_open}), '[]'),
           previous_secret_until = case when previous_secret_until > now() then previous_secret_until end
     where previous_secret_until is not null
       and exists (select from jsonb_array_elements(previous_secrets) one where not ${is_open})`.execute(
    owner,
  )
}
