import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Every statement on what was decided about authorizations. */

export type DecisionRow = {
  id: string
  authorization_id: string | null
  card_id: string | null
  approved: boolean | null
  reason: string
  rule_id: string | null
  amount: string
  currency: string
  /** Of what was approved, where that is less than was asked for. */
  approved_amount: string | null
  elapsed_ms: number
  message_id: string
  decided_at: Date
}

const DECISION = [
  'id',
  'authorization_id',
  'card_id',
  'approved',
  'reason',
  'rule_id',
  'amount',
  'currency',
  'approved_amount',
  'elapsed_ms',
  'message_id',
  'decided_at',
] as const

export const findDecision = (
  tx: Tx,
  { tenant_id, provider, key }: { tenant_id: string; provider: string; key: string },
): Promise<DecisionRow | undefined> =>
  tx
    .selectFrom('card_decision')
    .select(DECISION)
    .where('tenant_id', '=', tenant_id)
    .where('provider', '=', provider)
    .where('key', '=', key)
    .executeTakeFirst()

export type NewDecision = Omit<DecisionRow, 'decided_at'> & {
  tenant_id: string
  provider: string
  key: string
}

/**
 * What was decided first stands, unless nobody knew what was answered; `answered` writes over what was decided too
 * late, since the vendor was told something else.
 */
export async function putDecision(tx: Tx, row: NewDecision, answered = false): Promise<string | null> {
  const made = await tx
    .insertInto('card_decision')
    .values(row)
    .onConflict((conflict) => {
      const { approved, approved_amount, reason, rule_id, elapsed_ms, authorization_id, card_id } = row
      const changed = conflict.columns(['tenant_id', 'provider', 'key']).doUpdateSet({
        approved,
        approved_amount,
        reason,
        rule_id,
        elapsed_ms,
        authorization_id,
        card_id,
        decided_at: sql`now()`,
      })
      return answered ? changed : changed.where('card_decision.approved', 'is', null)
    })
    .returning('id')
    .executeTakeFirst()
  return made?.id ?? null
}

export const listDecisions = (tx: Tx, { tenant_id, id }: Place): Promise<DecisionRow[]> =>
  tx
    .selectFrom('card_decision')
    .select(DECISION)
    .where('tenant_id', '=', tenant_id)
    .where('authorization_id', '=', id)
    .orderBy('id')
    .limit(100)
    .execute()
