import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'
import type { Conditions } from './rules.ts'

/** Every statement on a tenant's rules for authorizations. */

export type World = 'live' | 'test'
export type RuleRow = {
  id: string
  environment: World
  name: string
  position: number
  action: 'approve' | 'decline'
  conditions: Conditions
  /** No more than this is approved at once; null: as much as is asked for. */
  up_to: { amount: string; currency: string } | null
  state: 'enabled' | 'disabled'
  updated_at: Date
}

const RULE = [
  'id',
  'environment',
  'name',
  'position',
  'action',
  'conditions',
  'up_to',
  'state',
  'updated_at',
] as const

const MOST_RULES = 100

/** In the order in which they are asked. */
export const listRules = (tx: Tx, tenant_id: string, environment: World): Promise<RuleRow[]> =>
  tx
    .selectFrom('card_rule')
    .select(RULE)
    .where('tenant_id', '=', tenant_id)
    .where('environment', '=', environment)
    .orderBy('position')
    .orderBy('id')
    .limit(MOST_RULES)
    .execute() as Promise<RuleRow[]>

export const findRule = (tx: Tx, { tenant_id, id }: Place): Promise<RuleRow | undefined> =>
  tx
    .selectFrom('card_rule')
    .select(RULE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<RuleRow | undefined>

export type NewRule = Place &
  Pick<RuleRow, 'environment' | 'name' | 'position' | 'action' | 'state'> & {
    conditions: string
    up_to: string | null
    created_by: string
  }

/** False where there are as many as there may be. */
export async function insertRule(tx: Tx, row: NewRule): Promise<boolean> {
  // Two at once would both find room for one.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`card_rule ${row.tenant_id}`}, 0))`.execute(tx)
  if ((await listRules(tx, row.tenant_id, row.environment)).length >= MOST_RULES) return false
  await tx.insertInto('card_rule').values(row).execute()
  return true
}

export type RuleChange = Partial<
  Pick<RuleRow, 'name' | 'position' | 'action' | 'state'> & { conditions: string; up_to: string | null }
>

export const updateRule = (
  tx: Tx,
  { tenant_id, id }: Place,
  change: RuleChange,
): Promise<RuleRow | undefined> =>
  tx
    .updateTable('card_rule')
    .set({ ...change, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(RULE)
    .executeTakeFirst() as Promise<RuleRow | undefined>

export const deleteRule = (tx: Tx, { tenant_id, id }: Place) =>
  tx.deleteFrom('card_rule').where('tenant_id', '=', tenant_id).where('id', '=', id).execute()
