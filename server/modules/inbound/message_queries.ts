import { sql } from 'kysely'
import { reachedIn, type Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'

/** Every statement on messages as people see them, send them to work again and erase them. */

export type MessageRow = {
  id: string
  source_id: string
  event_key: string
  event_type: string | null
  state: 'pending' | 'completed' | 'failed' | 'ignored' | 'parked'
  attempts: number
  error: string | null
  flags: string[]
  closed_at: Date | null
}

const MESSAGE = [
  'id',
  'source_id',
  'event_key',
  'event_type',
  'state',
  'attempts',
  'error',
  'flags',
  'closed_at',
] as const

export type MessageFilter = {
  source_id: string | null
  state: string | null
  event_type: string | null
  since: Date | null
  until: Date | null
  /** Those alone; all where null. */
  ids: string[] | null
}

/** How many messages are counted at most: each is looked at, since by type no index leads. */
export const MOST_COUNTED = 50_000

export type TypeCount = { event_type: string | null; state: string; count: number }

/** The newest `MOST_COUNTED` of them by type and state; `reached` is the oldest of these where there may be more. */
export async function countTypes(
  tx: Tx,
  tenant_id: string,
  filter: MessageFilter,
): Promise<{ rows: TypeCount[]; reached: string | null }> {
  const found = within(tx, tenant_id, filter, null).orderBy('id', 'desc')
  const rows = await tx
    .selectFrom(found.select(['event_type', 'state']).limit(MOST_COUNTED).as('counted'))
    .select(({ fn }) => ['event_type', 'state', sql<number>`${fn.countAll()}::int`.as('count')])
    .groupBy(['event_type', 'state'])
    .execute()
  if (rows.reduce((sum, { count }) => sum + count, 0) < MOST_COUNTED) return { rows, reached: null }
  return { rows, reached: await reachedIn(found, MOST_COUNTED) }
}

/** How many messages one page looks at, where what they are asked for has no index. */
const MOST_LOOKED_AT = 5_000

const within = (tx: Tx, tenant_id: string, filter: MessageFilter, before: string | null) => {
  const { source_id, since, until, ids } = filter
  let query = tx.selectFrom('inbox').where('tenant_id', '=', tenant_id)
  if (source_id) query = query.where('source_id', '=', source_id)
  if (ids) query = query.where('id', 'in', ids)
  if (since) query = query.where('id', '>=', floorId(since))
  if (until) query = query.where('id', '<', floorId(until))
  return before ? query.where('id', '<', before) : query
}

/**
 * Newest first. By state and type no index leads, which would cost every message: so a page looks at so many and says
 * by `reached` where it stopped looking.
 */
export async function listMessages(
  tx: Tx,
  tenant_id: string,
  filter: MessageFilter,
  limit: number,
  before: string | null,
): Promise<{ rows: MessageRow[]; reached: string | null }> {
  const { state, event_type } = filter
  const found = within(tx, tenant_id, filter, before).orderBy('id', 'desc')
  if (!state && !event_type) {
    return {
      rows: await found
        .select(MESSAGE)
        .limit(limit + 1)
        .execute(),
      reached: null,
    }
  }
  let query = tx.selectFrom(found.select(MESSAGE).limit(MOST_LOOKED_AT).as('page')).select(MESSAGE)
  if (state) query = query.where('state', '=', state as MessageRow['state'])
  if (event_type) query = query.where('event_type', '=', event_type)
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  return { rows, reached: await reachedIn(found, MOST_LOOKED_AT) }
}

export const findMessage = (tx: Tx, tenant_id: string, id: string) =>
  tx
    .selectFrom('inbox')
    .select([...MESSAGE, 'headers', 'body'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

const SEEN = ['id', 'source_id', 'event_type', 'state', 'closed_at'] as const

/** From this id on, the newest `limit` of them: for those who watch them come. */
export const listMessagesSince = (tx: Tx, tenant_id: string, from_id: string, limit: number) =>
  tx
    .selectFrom('inbox')
    .select(SEEN)
    .where('tenant_id', '=', tenant_id)
    .where('id', '>=', from_id)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

export const listMessagesOf = (tx: Tx, tenant_id: string, ids: readonly string[]) =>
  tx.selectFrom('inbox').select(MESSAGE).where('tenant_id', '=', tenant_id).where('id', 'in', ids).execute()

/** By what each verified as it came, where that is on record. */
export async function listProofsOf(tx: Tx, tenant_id: string, ids: readonly string[]) {
  const rows = await tx
    .selectFrom('inbox')
    .select(['id', 'headers'])
    .where('tenant_id', '=', tenant_id)
    .where('id', 'in', ids)
    .execute()
  const proofs = rows.map(({ id, headers }) => {
    const { ':verified': proof = null } = JSON.parse(headers) as { ':verified'?: string }
    return [id, proof] as const
  })
  return new Map(proofs)
}

/** Puts a closed message back to work; false where it is still pending. */
export async function requeueMessage(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    with moved as (update inbox set state = 'pending', closed_at = null, error = null, flags = array_append(array_remove(flags, 'replayed'), 'replayed')
                    where tenant_id = ${tenant_id} and id = ${id} and state in ('failed', 'ignored', 'parked')
                      and not flags @> '{erased}' returning tenant_id, id, lane, position)
    insert into inbox_queue (tenant_id, id, due, lane, position, arrived)
    select tenant_id, id, now(), lane, position, case when lane is not null then pg_current_xact_id()::text::int8 end
      from moved returning id`.execute(tx)
  return rows.length > 0
}

/** Takes away what a closed message said; false where it is still at work. */
export async function eraseMessage(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    update inbox set body = '', error = null,
           headers = coalesce('{":verified":' || to_json(headers::jsonb ->> ':verified')::text || '}', '{}'), flags = array_append(array_remove(flags, 'erased'), 'erased')
     where tenant_id = ${tenant_id} and id = ${id} and state <> 'pending' returning id`.execute(tx)
  return rows.length > 0
}

/** The newest message of a source, while it is kept. */
export async function findNewest(tx: Tx, tenant_id: string, source_id: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('inbox')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id
}
