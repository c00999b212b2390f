import { sql } from 'kysely'
import type { Finding, HealthStatus } from '../../kit/health.ts'
import { newest, type Tx } from '../../platform/database/database.ts'

/** Every statement on how vendors were found. The first row of a connection is made by its own trigger. */

export type Place = { tenant_id: string; connection_id: string }

/** `every_s` null: not checked. `path` null: the provider's own test. `statuses` null: any 2xx. `answer` null: anything. */
export type Checks = {
  every_s: number | null
  timeout_ms: number
  path: string | null
  statuses: number[] | null
  answer: Record<string, unknown> | null
}

export type HealthRow = Checks & {
  status: HealthStatus
  streak: number
  note: string | null
  since: Date
  job_id: string | null
}

const HEALTH = [
  'every_s',
  'timeout_ms',
  'path',
  'statuses',
  'answer',
  'status',
  'streak',
  'note',
  'since',
  'job_id',
] as const

export const findHealth = (tx: Tx, { tenant_id, connection_id }: Place): Promise<HealthRow | undefined> =>
  tx
    .selectFrom('health')
    .select(HEALTH)
    .$castTo<HealthRow>()
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .executeTakeFirst()

/** The row while `job_id` is the link of now, and nobody else moves it before this transaction ends. */
export const lockLink = (tx: Tx, place: Place, job_id: string): Promise<HealthRow | undefined> =>
  tx
    .selectFrom('health')
    .select(HEALTH)
    .$castTo<HealthRow>()
    .where('tenant_id', '=', place.tenant_id)
    .where('connection_id', '=', place.connection_id)
    .where('job_id', '=', job_id)
    .forUpdate()
    .executeTakeFirst()

type Moved = Partial<Checks & Pick<HealthRow, 'status' | 'streak' | 'note' | 'since' | 'job_id'>>

export async function moveHealth(tx: Tx, place: Place, moved: Moved): Promise<void> {
  await tx
    .updateTable('health')
    .set(moved)
    .where('tenant_id', '=', place.tenant_id)
    .where('connection_id', '=', place.connection_id)
    .execute()
}

export type CheckRow = {
  id: string
  result: Finding
  latency_ms: number
  note: string | null
  call_id: string | null
}

/** Puts one check on record and lets go of those before `oldest`, so that no other job has to. */
export async function insertCheck(tx: Tx, place: Place, row: CheckRow, oldest: Date): Promise<void> {
  const { tenant_id, connection_id } = place
  await tx
    .insertInto('health_check')
    .values({ ...place, ...row })
    .execute()
  await tx
    .deleteFrom('health_check')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('id', '<', sql<string>`v7_floor(${oldest})`)
    .execute()
}

export const listChecks = (
  tx: Tx,
  { tenant_id, connection_id }: Place,
  limit: number,
  before: string | null,
): Promise<CheckRow[]> =>
  tx
    .selectFrom('health_check')
    .select(['id', 'result', 'latency_ms', 'note', 'call_id'])
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ connection_id }, limit, before))
    .execute()
