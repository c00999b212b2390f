import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import {
  cancelBatch as cancelCalls,
  countStates,
  insertPlanned,
  listOfBatch,
  openReport,
  type Planned,
  planCall,
  putWork,
  toDeferred,
} from '../calls/calls.ts'
import {
  checkEnvironment,
  type OpenConnection,
  openConnection,
  useConnection,
} from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type Batch, type BatchQuery, type CreateBatch, type ItemQuery, toBatch, toHead } from './schema.ts'

/**
 * Many calls through one connection, asked for at once and made a few at a time. Each is a deferred call: a row of
 * its own, settled by itself, so that one that fails stops no other and a server that dies loses none and repeats
 * none that must not be repeated.
 */
const USUAL_CONCURRENCY = 5

/** All are checked before any is kept; what is wrong with one names its place. */
export async function createBatch(
  app: App,
  actor: Actor,
  wire_id: string,
  input: CreateBatch,
): Promise<Batch> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id))
  const { tenant_id } = actor
  const id = app.newId()
  const planned = await planAll(app, actor, connection, id, input)
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const made = await queries.insertBatch(tx, {
      tenant_id,
      id,
      connection_id: connection.id,
      total: planned.length,
      concurrency: input.concurrency ?? USUAL_CONCURRENCY,
      delay_ms: input.delay_ms ?? 0,
      actor: actor.id,
      request_id: actor.request_id,
    })
    await insertPlanned(app, tx, planned)
    await putWork(tx, { tenant_id, id, kind: 'batch', due: app.clock.now() })
    await audit(tx, actor, 'batch.create', toWire('batch', id), {
      connection_id: wire_id,
      total: planned.length,
    })
    return made
  })
  app.db.notify('trilho_call', 'new')
  return toBatch(row, { queued: planned.length })
}

async function planAll(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  batch_id: string,
  { calls }: CreateBatch,
): Promise<Planned[]> {
  const planned: Planned[] = []
  for (const [position, call] of calls.entries()) {
    const place = `calls.${position}`
    if (call.mode !== undefined)
      throw new Problem('invalid_request', {
        field: `${place}.mode`,
        detail: `${place}.mode is left out in a batch`,
      })
    try {
      planned.push(await planCall(app, actor, connection, call, { batch_id, position }))
    } catch (error) {
      throw error instanceof Problem ? at(place, error) : error
    }
  }
  return planned
}

/** The same no, with the place of the call in the batch before each field. */
function at(place: string, { code, occurrence }: Problem): Problem {
  const { field, detail, errors } = occurrence
  return new Problem(code, {
    detail: `${place}: ${detail}`,
    field: field === undefined ? place : `${place}.${field}`,
    ...(errors && { errors: errors.map((one) => ({ ...one, field: `${place}.${one.field}` })) }),
  })
}

export { findBatch } from './queries.ts'

export async function listBatches(app: App, actor: Actor, input: BatchQuery) {
  const { limit, before } = readPage('batch', input)
  const connection_id = input.connection_id
    ? fromWire('connection', input.connection_id, 'connection_id')
    : null
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listBatches(tx, actor.tenant_id, connection_id, limit, before),
  )
  return toPage('batch', rows, limit, toHead)
}

export async function readBatch(app: App, actor: Actor, wire_id: string): Promise<Batch> {
  const id = fromWire('batch', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = found(await queries.findBatch(tx, tenant_id, id), wire_id)
    return toBatch(row, await countStates(tx, tenant_id, id))
  })
}

const MOST_ITEMS = 50

/** The calls of a batch in the order they were asked for, with what came of each. */
export async function listItems(app: App, actor: Actor, wire_id: string, input: ItemQuery) {
  const id = fromWire('batch', wire_id)
  const { tenant_id } = actor
  const limit = Number(input.limit ?? MOST_ITEMS)
  return inTenant(app.db, tenant_id, async (tx) => {
    found(await queries.findBatch(tx, tenant_id, id), wire_id)
    const rows = await listOfBatch(tx, tenant_id, id, Number(input.cursor ?? 0), limit)
    const data = []
    for (const row of rows.slice(0, limit)) {
      const report = await openReport(app, tx, tenant_id, row)
      data.push({ position: row.position ?? 0, ...toDeferred(row), report })
    }
    const next = rows[limit]?.position ?? null
    return { data, next_cursor: next === null ? null : String(next) }
  })
}

/** What is not under way yet is given up. */
export async function cancelBatch(app: App, actor: Actor, wire_id: string): Promise<Batch> {
  const id = fromWire('batch', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findBatch(tx, tenant_id, id))
  // Outside of the transaction: it may take a database connection of its own.
  const { environment } = await openConnection(app, tenant_id, found(row, wire_id).connection_id)
  checkEnvironment(actor, environment)
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.closeBatch(tx, tenant_id, id, 'canceled'))) {
      const { state } = found(await queries.findBatch(tx, tenant_id, id), wire_id)
      throw new Problem('conflict', { detail: `batch ${wire_id} is ${state} already` })
    }
    await cancelCalls(tx, tenant_id, id)
    await audit(tx, actor, 'batch.cancel', wire_id)
  })
  return readBatch(app, actor, wire_id)
}

function found(row: queries.BatchRow | undefined, wire_id: string): queries.BatchRow {
  if (row) return row
  throw new Problem('not_found', { detail: `there is no batch ${wire_id}` })
}
