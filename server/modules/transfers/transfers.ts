import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, openConnection, useConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as approvals from './approvals.ts'
import { cancel } from './cancel.ts'
import * as create from './create.ts'
import { openDestination } from './destination.ts'
import { findPolicy, putPolicy } from './policy_queries.ts'
import * as queries from './queries.ts'
import { resolve } from './resolve.ts'
import {
  type CreateTransfer,
  type Policy,
  type RejectTransfer,
  type ResolveTransfer,
  type SetPolicy,
  type Transfer,
  type TransferQuery,
  toMove,
  toTransfer,
} from './schema.ts'
import { lookNow } from './settle.ts'

/**
 * Money that leaves an account, alike for every bank: by Pix, by TED, or to an account of the same bank; at once or on a
 * day; after a second person let it go where the tenant wants that. A transfer is on record before it is sent, is sent
 * once and never again, moves by the table of `moves.ts` alone, and is told of by one event per move. An outcome that
 * nobody saw leaves it `processing`, and it is looked for until it is known.
 */

export const createTransfer = async (app: App, actor: Actor, input: CreateTransfer): Promise<Transfer> =>
  toTransfer(await create.createTransfer(app, actor, input))

export async function listTransfers(app: App, actor: Actor, input: TransferQuery) {
  const { limit, before } = readPage('transfer', input)
  const { limit: _l, cursor: _c, connection_id, ...rest } = input
  const of = connection_id && { connection_id: fromWire('connection', connection_id, 'connection_id') }
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listTransfers(tx, actor.tenant_id, { ...rest, ...of }, limit, before),
  )
  return toPage('transfer', rows, limit, toTransfer)
}

async function find(app: App, { tenant_id }: Actor, wire_id: string) {
  const place = { tenant_id, id: fromWire('transfer', wire_id) }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findTransfer(tx, place))
  if (!row) throw new Problem('not_found', { detail: `there is no transfer ${wire_id}` })
  return { place, row }
}

/** With where it goes, whole, and what made it what it is. */
export async function readTransfer(app: App, actor: Actor, wire_id: string) {
  const { place } = await find(app, actor, wire_id)
  const destination = await openDestination(app, place)
  return inTenant(app.db, actor.tenant_id, async (tx) => ({
    ...toTransfer(queries.must(await queries.findTransfer(tx, place))),
    destination,
    moves: (await queries.listMoves(tx, place)).map(toMove),
  }))
}

/**
 * For what is done without asking the bank: the connection may be disabled, but not of another world. Of one that was
 * deleted nobody knows which world it was: it counts as the live one.
 */
async function findHere(app: App, actor: Actor, wire_id: string) {
  const found = await find(app, actor, wire_id)
  const connection = await openConnection(app, actor.tenant_id, found.row.connection_id).catch(orGone)
  checkEnvironment(actor, connection?.environment ?? 'production')
  return found
}

function orGone(error: unknown): null {
  if (error instanceof Problem && error.code === 'not_found') return null
  throw error
}

export async function approveTransfer(app: App, actor: Actor, wire_id: string): Promise<Transfer> {
  const { place, row } = await find(app, actor, wire_id)
  const connection = await useConnection(app, actor, row.connection_id)
  return toTransfer(await approvals.approve(app, actor, connection, place))
}

export async function rejectTransfer(app: App, actor: Actor, wire_id: string, { note }: RejectTransfer) {
  refuseCardNumbers({ note })
  const { place } = await findHere(app, actor, wire_id)
  return toTransfer(await approvals.reject(app, actor, place, note))
}

export async function cancelTransfer(app: App, actor: Actor, wire_id: string): Promise<Transfer> {
  const { place, row } = await findHere(app, actor, wire_id)
  const connection = () => useConnection(app, actor, row.connection_id)
  return toTransfer(await cancel(app, actor, connection, place))
}

/** Asks the bank how the transfer is, and believes it. */
export async function refreshTransfer(app: App, actor: Actor, wire_id: string) {
  const { place, row } = await find(app, actor, wire_id)
  await lookNow(app, actor, await useConnection(app, actor, row.connection_id), place)
  return readTransfer(app, actor, wire_id)
}

/** For one whose outcome nobody saw and its bank cannot tell. */
export async function resolveTransfer(app: App, actor: Actor, wire_id: string, input: ResolveTransfer) {
  refuseCardNumbers({ note: input.note })
  const { place } = await findHere(app, actor, wire_id)
  return toTransfer(await resolve(app, actor, place, input))
}

export const readPolicy = (app: App, { tenant_id, environment }: Actor): Promise<Policy> =>
  inTenant(app.db, tenant_id, async (tx) => ({
    environment,
    ...(await findPolicy(tx, tenant_id, environment)),
  }))

/** What waits already goes on waiting, for as long as it was given. */
export const setPolicy = (app: App, actor: Actor, input: SetPolicy): Promise<Policy> =>
  inTenant(app.db, actor.tenant_id, async (tx) => {
    const policy = await putPolicy(tx, actor, input)
    await audit(tx, actor, 'transfer.policy', actor.environment, policy)
    return { environment: actor.environment, ...policy }
  })

export { findTransfer } from './queries.ts'
export { seekTransfers } from './search_queries.ts'
