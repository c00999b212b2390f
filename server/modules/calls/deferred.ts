import { parseExact } from '../../kit/mapping/mapping.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import {
  checkEnvironment,
  type OpenConnection,
  openConnection,
  useConnection,
} from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './deferred_queries.ts'
import { type DeferredCall, toDeferred } from './deferred_schema.ts'
import { putWork } from './deferred_work.ts'
import { checkCall, knownRequest } from './prepare.ts'
import { findCall } from './queries.ts'
import type { MakeCall } from './schema.ts'

/**
 * Calls that are made later: checked and written down now, sealed, and made by a job that outlives this process. Each
 * try is a call of its own, on record before its first byte leaves, so that one that was cut off is found again and
 * never repeated where that could make it happen twice.
 */
export async function deferCall(
  app: App,
  actor: Actor,
  wire_id: string,
  input: MakeCall,
): Promise<DeferredCall> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id))
  const { tenant_id } = actor
  const planned = await planCall(app, actor, connection, input, { batch_id: null, position: null })
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    await insertPlanned(app, tx, [planned])
    await putWork(tx, { tenant_id, id: planned.row.id, kind: 'call', due: app.clock.now() })
    return found(await queries.findDeferred(tx, tenant_id, planned.row.id), planned.row.id)
  })
  app.db.notify('trilho_call', 'new')
  return toDeferred(row)
}

export type Planned = { row: Omit<queries.NewDeferred, 'request'>; input: MakeCall }

/** What will be asked, checked as far as it can be without asking anybody. Throws only what is the caller's fault. */
export async function planCall(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  input: MakeCall,
  place: Pick<queries.NewDeferred, 'batch_id' | 'position'>,
): Promise<Planned> {
  const checked = await checkCall(app, connection, input)
  if (checked.named?.operation?.unstored)
    throw new Problem('invalid_request', {
      field: 'operation',
      detail: `${input.operation} takes a card, which is never stored; make the call now, without mode async and batches`,
    })
  const request = knownRequest(checked, input)
  const row = {
    ...place,
    tenant_id: connection.tenant_id,
    id: app.newId(),
    connection_id: connection.id,
    operation: checked.named?.name ?? null,
    method: request?.method ?? null,
    path: request?.path.slice(0, 2_000) ?? null,
    actor: { ...actor, ip: null, ...(place.batch_id !== null && ofBatch(place.batch_id)) },
  }
  return { row, input }
}

function ofBatch(batch_id: string): Pick<Actor, 'cause' | 'parent_id'> {
  const id = toWire('batch', batch_id)
  return { cause: { kind: 'batch', id }, parent_id: id }
}

export async function insertPlanned(app: App, tx: Tx, planned: readonly Planned[]): Promise<void> {
  const rows: queries.NewDeferred[] = []
  for (const { row, input } of planned) {
    const plain = Buffer.from(JSON.stringify(input))
    rows.push({
      ...row,
      request: await app.vault.seal(tx, row.tenant_id, sealedAs('request', row.id), plain),
    })
  }
  await queries.insertDeferred(tx, rows)
}

/** What the sealed bytes of a row are tied to. */
export const sealedAs = (column: 'request' | 'report', id: string): string => `deferred_call ${column} ${id}`

/** Given up while it waits; one that is under way ends as it ends. */
export async function cancelCall(app: App, actor: Actor, wire_id: string): Promise<DeferredCall> {
  const id = fromWire('call', wire_id)
  const { tenant_id } = actor
  const before = await inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findDeferred(tx, tenant_id, id)
    if (row || !(await findCall(tx, tenant_id, id))) return found(row, id)
    throw new Problem('conflict', { detail: `call ${wire_id} is not made later; there is nothing to cancel` })
  })
  // Outside of the transaction: it may take a database connection of its own.
  checkEnvironment(actor, (await openConnection(app, tenant_id, before.connection_id)).environment)
  return inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.cancelDeferred(tx, tenant_id, id))) {
      const { state } = found(await queries.findDeferred(tx, tenant_id, id), id)
      throw new Problem('conflict', {
        detail: `call ${wire_id} is ${state}; only one that is queued can be canceled`,
      })
    }
    await audit(tx, actor, 'call.cancel', wire_id)
    return toDeferred(found(await queries.findDeferred(tx, tenant_id, id), id))
  })
}

/** What the vendor answered, to the digit, as the report of a call; null where it is not over, or its report was not kept. */
export async function openReport(
  app: App,
  tx: Tx,
  tenant_id: string,
  row: queries.DeferredRow,
): Promise<unknown> {
  if (row.report === null) return null
  const text = await app.vault.open(tx, tenant_id, sealedAs('report', row.id), row.report)
  return parseExact(text.toString())
}

function found(row: queries.DeferredRow | undefined, id: string): queries.DeferredRow {
  if (row) return row
  throw notFound(id)
}

const notFound = (id: string) =>
  new Problem('not_found', { detail: `there is no call ${toWire('call', id)}` })
