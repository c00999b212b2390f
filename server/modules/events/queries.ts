import { type RawBuilder, sql } from 'kysely'
import {
  byteas,
  type Db,
  hot,
  int2s,
  newest,
  type Tx,
  texts,
  uuids,
} from '../../platform/database/database.ts'

/** Every statement on events, their types and the blind index that finds them. */

export type NewEvent = {
  tenant_id: string
  id: string
  type: string
  /** Of the type; 1 unless given. */
  version?: number
  /** JSON text, kept to the byte. */
  data: string
  entity_id: string | null
  message_id: string | null
  /** Of the tenant: whose subscriptions it may go to beside the tenant's own. Of nobody unless given. */
  customer?: string | null
}

export type ExternalId = { tenant_id: string; value_hmac: Buffer; kind: string; ref_id: string }

/** Part of the statements that write records: what they are found by, in their commit. `from` is the number of its first value. */
export const foundBy = (from: number): string => `
      insert into external_id (tenant_id, value_hmac, kind, ref_id)
      select * from unnest($${from}::uuid[], $${from + 1}::bytea[], $${from + 2}::text[], $${from + 3}::uuid[])
      on conflict do nothing`

/** Events, what they are found by, and what is written `beside` them (more of a `with`), in one statement. */
export async function insertEvents(
  tx: Tx,
  events: NewEvent[],
  external_ids: ExternalId[],
  beside: RawBuilder<unknown> | null = null,
): Promise<void> {
  await sql`
    with named as (
      insert into external_id (tenant_id, value_hmac, kind, ref_id)
      select * from unnest(${uuids(external_ids.map((row) => row.tenant_id))}::uuid[], ${byteas(external_ids.map((row) => row.value_hmac))}::bytea[],
                           ${texts(external_ids.map((row) => row.kind))}::text[], ${uuids(external_ids.map((row) => row.ref_id))}::uuid[])
      on conflict do nothing)${beside ? sql`, ${beside}` : sql``}
    insert into event (tenant_id, id, type, data, entity_id, message_id, version, customer)
    select * from unnest(${uuids(events.map((row) => row.tenant_id))}::uuid[], ${uuids(events.map((row) => row.id))}::uuid[],
                         ${texts(events.map((row) => row.type))}::text[], ${texts(events.map((row) => row.data))}::text[],
                         ${texts(events.map((row) => row.entity_id))}::text[], ${uuids(events.map((row) => row.message_id))}::uuid[],
                         ${int2s(events.map(({ version = 1 }) => version))}::int2[],
                         ${texts(events.map(({ customer = null }) => customer))}::text[])`.execute(tx)
}

const PAYLOADS = {
  name: 'event_payloads',
  // The lateral keeps it a look-up by key in one partition, whatever the planner believes of the batch's size.
  text: `
    select r.at, e.type, e.version, e.data, e.entity_id
      from unnest($1::uuid[], $2::uuid[]) with ordinality r(t, i, at)
      cross join lateral (select type, version, data, entity_id from event where tenant_id = r.t and id = r.i offset 0) e`,
}

type Payload = { type: string; version: number; data: string; entity_id: string | null }

/** Type, version, data and entity of each event, null where it is past its retention; in the order asked. */
export async function readPayloads(db: Db, wanted: { tenant_id: string; event_id: string }[]) {
  const rows = await hot<{ at: string } & Payload>(db, PAYLOADS, [
    wanted.map((one) => one.tenant_id),
    wanted.map((one) => one.event_id),
  ])
  const payloads: (Payload | null)[] = wanted.map(() => null)
  for (const { at, ...payload } of rows) payloads[Number(at) - 1] = payload
  return payloads
}

const EVENT = ['id', 'type', 'version', 'data', 'entity_id', 'message_id', 'customer'] as const
export type EventRow = Required<Omit<NewEvent, 'tenant_id'>>

export const findEvent = (tx: Tx, tenant_id: string, id: string): Promise<EventRow | undefined> =>
  tx
    .selectFrom('event')
    .select(EVENT)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** Events between two ids, in their order. */
export const listEventsBetween = (
  tx: Tx,
  tenant_id: string,
  { after, before }: { after: string; before: string },
  limit: number,
): Promise<Pick<EventRow, 'id' | 'type' | 'data' | 'entity_id' | 'customer'>[]> =>
  tx
    .selectFrom('event')
    .select(['id', 'type', 'data', 'entity_id', 'customer'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '>', after)
    .where('id', '<', before)
    .orderBy('id')
    .limit(limit)
    .execute()

export const listEvents = (
  tx: Tx,
  tenant_id: string,
  filter: { type?: string },
  limit: number,
  before: string | null,
): Promise<EventRow[]> => {
  return tx
    .selectFrom('event')
    .select(EVENT)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(filter, limit, before))
    .execute()
}

/** From this id on, the newest `limit` of them: for those who watch them come. */
export const listEventsSince = (tx: Tx, tenant_id: string, from_id: string, limit: number) =>
  tx
    .selectFrom('event')
    .select(['id', 'type', 'entity_id'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '>=', from_id)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

export const listEventsOf = (tx: Tx, tenant_id: string, ids: readonly string[]) =>
  tx
    .selectFrom('event')
    .select(['id', 'type', 'entity_id', 'message_id'])
    .where('tenant_id', '=', tenant_id)
    .where('id', 'in', ids)
    .execute()

export type EventTypeRow = {
  name: string
  version: number
  description: string
  schema: unknown
  /** Null where there is none. */
  example: unknown
  deprecated_at: Date | null
  /** What to use instead. */
  deprecation: string | null
}

const EVENT_TYPE = [
  'name',
  'version',
  'description',
  'schema',
  'example',
  'deprecated_at',
  'deprecation',
] as const

/** The newest version of each first. */
export const listEventTypes = (tx: Tx, tenant_id: string): Promise<EventTypeRow[]> =>
  tx
    .selectFrom('event_type')
    .select(EVENT_TYPE)
    .where('tenant_id', '=', tenant_id)
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute()

/** The newest where `version` is null. Locked, so that two changes of it follow each other. */
export const findEventType = (
  tx: Tx,
  tenant_id: string,
  name: string,
  version: number | null,
): Promise<EventTypeRow | undefined> => {
  const query = tx
    .selectFrom('event_type')
    .select(EVENT_TYPE)
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
  const wanted = version === null ? query : query.where('version', '=', version)
  return wanted.orderBy('version', 'desc').limit(1).forUpdate().executeTakeFirst()
}

/** False where there is this version already. */
export async function insertEventType(tx: Tx, tenant_id: string, row: EventTypeRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('event_type')
    .values({ ...row, tenant_id, schema: JSON.stringify(row.schema), example: JSON.stringify(row.example) })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name', 'version']).doNothing())
    .executeTakeFirstOrThrow()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

export const updateEventType = (
  tx: Tx,
  tenant_id: string,
  { name, version }: Pick<EventTypeRow, 'name' | 'version'>,
  change: Partial<Pick<EventTypeRow, 'description' | 'deprecated_at' | 'deprecation'>>,
): Promise<EventTypeRow | undefined> =>
  tx
    .updateTable('event_type')
    .set({ name, ...change })
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
    .where('version', '=', version)
    .returning(EVENT_TYPE)
    .executeTakeFirst()

/** All versions where `version` is null. */
export async function deleteEventType(
  tx: Tx,
  tenant_id: string,
  name: string,
  version: number | null,
): Promise<boolean> {
  const query = tx.deleteFrom('event_type').where('tenant_id', '=', tenant_id).where('name', '=', name)
  const wanted = version === null ? query : query.where('version', '=', version)
  const { numDeletedRows } = await wanted.executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** A probe of the index for each tenant, in the partitions of the time between. */
const COUNT_SINCE = {
  name: 'event_count_since',
  text: `
    select t.id as tenant_id, n from unnest($1::uuid[]) t(id) cross join lateral (
      select count(*)::int as n from (
        select from event where tenant_id = t.id and type = $2 and id >= v7_floor($3::timestamptz) and id < v7_floor($4::timestamptz)
         limit 1000) e) c
     where n > 0`,
}

/** Part of a question: whether a tenant had any event of a type since `from`. */
export const anyEventSince = (tenant_id: RawBuilder<unknown>, type: string, from: RawBuilder<unknown>) =>
  sql`exists (select from event where tenant_id = ${tenant_id} and type = ${type}
                                  and id >= v7_floor(${from}) and id < v7_floor(now() + interval '1 min'))`

export const countEventsSince = (
  db: Db,
  tenant_ids: readonly string[],
  type: string,
  { since, until }: { since: Date; until: Date },
): Promise<{ tenant_id: string; n: number }[]> => hot(db, COUNT_SINCE, [tenant_ids, type, since, until])

export const findByExternalId = (
  tx: Tx,
  tenant_id: string,
  value_hmacs: Buffer[],
  limit: number,
): Promise<{ kind: string; ref_id: string }[]> =>
  tx
    .selectFrom('external_id')
    .select(['kind', 'ref_id'])
    .where('tenant_id', '=', tenant_id)
    .where('value_hmac', 'in', value_hmacs)
    .orderBy('ref_id', 'desc')
    .limit(limit)
    .execute()

/** Of one kind, newest first. */
export async function listRefs(
  tx: Tx,
  tenant_id: string,
  value_hmacs: Buffer[],
  { kind, below, limit }: { kind: string; below: string | null; limit: number },
): Promise<string[]> {
  const rows = await tx
    .selectFrom('external_id')
    .select('ref_id')
    .distinct()
    .where('tenant_id', '=', tenant_id)
    .where('value_hmac', 'in', value_hmacs)
    .where('kind', '=', kind)
    .$if(below !== null, (query) => query.where('ref_id', '<', below as string))
    .orderBy('ref_id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ ref_id }) => ref_id)
}
