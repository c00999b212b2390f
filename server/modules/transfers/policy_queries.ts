import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Actor } from '../app.ts'

/** Every statement on the policy of a tenant: from which amount on a second person has to let a transfer go. */

type Environment = Actor['environment']

export type PolicyRow = { approve_above: string | null; approve_within_days: number }

/** Of a tenant that never said: nobody has to. */
const USUAL: PolicyRow = { approve_above: null, approve_within_days: 7 }

export const findPolicy = async (tx: Tx, tenant_id: string, environment: Environment): Promise<PolicyRow> =>
  (await tx
    .selectFrom('transfer_policy')
    .select(['approve_above', 'approve_within_days'])
    .where('tenant_id', '=', tenant_id)
    .where('environment', '=', environment)
    .executeTakeFirst()) ?? USUAL

/** `approve_within_days` stays as it was where it is not said. */
export const putPolicy = (
  tx: Tx,
  { tenant_id, environment, id: updated_by }: Pick<Actor, 'tenant_id' | 'environment' | 'id'>,
  said: Pick<PolicyRow, 'approve_above'> & Partial<PolicyRow>,
): Promise<PolicyRow> =>
  tx
    .insertInto('transfer_policy')
    .values({ tenant_id, environment, updated_by, ...said })
    .onConflict((on) =>
      on.columns(['tenant_id', 'environment']).doUpdateSet({ ...said, updated_by, updated_at: sql`now()` }),
    )
    .returning(['approve_above', 'approve_within_days'])
    .executeTakeFirstOrThrow()

export const isAbove = (limit: string | null, amount: string): boolean =>
  limit !== null && BigInt(amount) > BigInt(limit)
