import { sql } from 'kysely'
import type { Refusal, RefusalReason } from '../../kit/news.ts'
import type { Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Every statement on routes, and on where a payment that was routed was sent. */

/** The first whose `when` fits takes the payment to its connections, one after another. */
export type Rule = {
  name: string | null
  when: Record<string, unknown>
  /** Not on the wire: uuids. */
  connection_ids: string[]
  next_on: RefusalReason[]
}

export type RouteRow = {
  id: string
  name: string
  environment: 'live' | 'test'
  is_default: boolean
  rules: Rule[]
  created_at: Date
  updated_at: Date
}

const ROUTE = ['id', 'name', 'environment', 'is_default', 'rules', 'created_at', 'updated_at'] as const

export const MOST_ROUTES = 100

/** A tenant has few: they are not listed by pages. */
export const listRoutes = (tx: Tx, tenant_id: string): Promise<RouteRow[]> =>
  tx
    .selectFrom('payment_route')
    .select(ROUTE)
    .where('tenant_id', '=', tenant_id)
    .orderBy('id')
    .limit(MOST_ROUTES)
    .execute() as unknown as Promise<RouteRow[]>

export const findRoute = (tx: Tx, { tenant_id, id }: Place): Promise<RouteRow | undefined> =>
  tx
    .selectFrom('payment_route')
    .select(ROUTE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as unknown as Promise<RouteRow | undefined>

export const findDefaultRoute = (
  tx: Tx,
  tenant_id: string,
  environment: RouteRow['environment'],
): Promise<RouteRow | undefined> =>
  tx
    .selectFrom('payment_route')
    .select(ROUTE)
    .where('tenant_id', '=', tenant_id)
    .where('environment', '=', environment)
    .where('is_default', '=', true)
    .executeTakeFirst() as unknown as Promise<RouteRow | undefined>

export type NewRoute = Place & Pick<RouteRow, 'name' | 'environment' | 'is_default' | 'rules'>

/** Made where there is none of the id, else changed. */
export const putRoute = (tx: Tx, { rules, ...row }: NewRoute): Promise<RouteRow> =>
  tx
    .insertInto('payment_route')
    .values({ ...row, rules: JSON.stringify(rules) })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'id']).doUpdateSet({
        name: row.name,
        environment: row.environment,
        is_default: row.is_default,
        rules: JSON.stringify(rules),
        updated_at: sql`now()`,
      }),
    )
    .returning(ROUTE)
    .executeTakeFirstOrThrow() as unknown as Promise<RouteRow>

/** Another one of its world is the default from now on. */
export const dropDefault = (tx: Tx, tenant_id: string, environment: RouteRow['environment']) =>
  tx
    .updateTable('payment_route')
    .set({ is_default: false })
    .where('tenant_id', '=', tenant_id)
    .where('environment', '=', environment)
    .where('is_default', '=', true)
    .execute()

export async function deleteRoute(tx: Tx, { tenant_id, id }: Place): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('payment_route')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export type TryRow = {
  number: number
  connection_id: string
  provider: string
  state: 'asked' | 'moved_on' | 'skipped'
  failure: Refusal | null
  call_id: string | null
  at: Date
}

export type NewTry = Omit<TryRow, 'at' | 'call_id'>

export const insertTries = (tx: Tx, { tenant_id, id }: Place, tries: readonly NewTry[]) =>
  tx
    .insertInto('payment_try')
    .values(
      tries.map((one) => ({
        ...one,
        tenant_id,
        payment_id: id,
        failure: one.failure && JSON.stringify(one.failure),
      })),
    )
    .execute()

/** It took nothing, and another one is asked. */
export const endTry = (
  tx: Tx,
  { tenant_id, id }: Place,
  number: number,
  { failure, call_id }: Pick<TryRow, 'failure' | 'call_id'>,
) =>
  tx
    .updateTable('payment_try')
    .set({ state: 'moved_on', failure: JSON.stringify(failure), call_id })
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .where('number', '=', number)
    .where('state', '=', 'asked')
    .execute()

export const listTries = (tx: Tx, { tenant_id, id }: Place): Promise<TryRow[]> =>
  tx
    .selectFrom('payment_try')
    .select(['number', 'connection_id', 'provider', 'state', 'failure', 'call_id', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .orderBy('number')
    .execute() as unknown as Promise<TryRow[]>

/** Where a payment goes on. */
export type Onward = {
  number: number
  connection_id: string
  provider: string
  request: Buffer
  job_id: string
  may_move_on: boolean
}

/**
 * Takes a payment to its next connection, from the try it is at and no other: not where its outcome is known, and not
 * once somebody else has begun to ask after it. The job that settles it is that of the new try from then on.
 */
export async function moveToNext(
  tx: Tx,
  { tenant_id, id }: Place,
  from: number,
  { number, ...onward }: Onward,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('payment')
    .set({ ...onward, try_number: number, sent_at: sql`now()`, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .where('vendor_id', 'is', null)
    .where('try_number', '=', from)
    .where('may_move_on', '=', true)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** It stays at the try it is at, whose vendor `job_id` is about to ask. False where another job is that of now. */
export async function stay(tx: Tx, { tenant_id, id }: Place, job_id: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('payment')
    .set({ may_move_on: false })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('job_id', '=', job_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
