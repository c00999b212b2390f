import type { Opened } from '../../kit/transports/http.ts'
import { sendBy } from '../../kit/transports/transport.ts'
import { once } from '../../platform/database/database.ts'
import { type EgressRequest, type EgressResult, NO_ROOM } from '../../platform/egress/egress.ts'
import { createRoom, type Holder, hold, letGo } from '../../platform/room.ts'
import type { Actor, App } from '../app.ts'
import type { Run } from './pipeline.ts'

/**
 * What the answers of vendors hold of the memory of this process, from their first byte until whoever asked has them: one
 * may be 10 MB, and neither the vendor that sends it nor the caller who takes it has to be quick.
 */
export const answers = once((_app: App) => ({ room: createRoom(128), of: new Map<string, number>() }))

/** So that the slow vendors of one tenant leave the others theirs. */
const SHARE_OF_TENANT = 0.5

/** Nothing is given to one that is over: nobody would let it go. */
export type Keeper = Holder & { tenant_id: string; is_over: boolean }

const newKeeper = (tenant_id: string): Keeper => ({ tenant_id, held: null, is_over: false })

const bytesOf = ({ held }: Holder): number => held?.bytes ?? 0

function keep(app: App, keeper: Keeper, length: number, is_whole: boolean): boolean {
  const { room, of } = answers(app)
  const theirs = of.get(keeper.tenant_id) ?? 0
  if (!is_whole && theirs + length > room.most_bytes * SHARE_OF_TENANT) return false
  const before = bytesOf(keeper)
  if (!hold(room, keeper, length, is_whole)) return false
  of.set(keeper.tenant_id, theirs + bytesOf(keeper) - before)
  return true
}

function letGoOf(app: App, keeper: Keeper): void {
  const { of } = answers(app)
  const theirs = (of.get(keeper.tenant_id) ?? 0) - bytesOf(keeper)
  if (theirs > 0) of.set(keeper.tenant_id, theirs)
  else of.delete(keeper.tenant_id)
  letGo(keeper)
  keeper.is_over = true
}

/** A caller who hung up may be gone before the call is. */
export function handOver(keeper: Keeper, to: Keeper): void {
  if (to.is_over || !keeper.held) return
  to.held ??= { room: keeper.held.room, bytes: 0 }
  to.held.bytes += keeper.held.bytes
  keeper.held = null
}

type Reply = { raw: { once(event: 'close', on: () => void): unknown } }

/** Of what is kept until `reply` is over. */
export function keeperOf(app: App, { tenant_id }: Pick<Actor, 'tenant_id'>, { raw }: Reply): Keeper {
  const keeper = newKeeper(tenant_id)
  raw.once('close', () => letGoOf(app, keeper))
  return keeper
}

export async function keeping<T>(
  app: App,
  tenant_id: string,
  work: (keeper: Keeper) => Promise<T>,
): Promise<T> {
  const keeper = newKeeper(tenant_id)
  try {
    return await work(keeper)
  } finally {
    letGoOf(app, keeper)
  }
}

/** An answer below this is taken for one that comes whole. */
const SMALL_BYTES = 64 * 1024

/** Sends, and keeps the answer; what a transport makes of many pieces is kept once it is there. */
export async function sendKeeping(run: Run, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const { app, keeper } = run
  const own = newKeeper(keeper.tenant_id)
  const held = {
    ...request,
    hold: (length: number, is_whole: boolean) => keep(app, own, length, is_whole),
  }
  const came = await sendBy(app.egress, opened, held).catch((error: unknown) => {
    letGoOf(app, own)
    throw error
  })
  const result = own.held || came.flowed ? came : keptOrNot(came, held.hold)
  if (result.kind === 'error') letGoOf(app, own)
  else handOver(own, keeper)
  return result
}

function keptOrNot(result: EgressResult, holds: NonNullable<EgressRequest['hold']>): EgressResult {
  if (result.kind === 'error' || result.body.length === 0) return result
  if (holds(result.body.length, result.body.length <= SMALL_BYTES)) return result
  const { total_ms } = result.timing
  return { kind: 'error', code: 'no_room', sent: true, message: NO_ROOM, total_ms }
}
