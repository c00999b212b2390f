import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { accountOf, useConnection } from '../connections/connections.ts'
import { performCached } from './cache.ts'
import { concludeCall } from './conclude.ts'
import { withDeadline } from './deadline.ts'
import type { Keeper } from './held.ts'
import { prepareCall } from './prepare.ts'
import { turnedAway } from './proxy.ts'
import type { MakeCall } from './schema.ts'

// One call, from the verb to its report.

export type Waiting = {
  /** Aborted when nobody waits for it any more. */
  signal?: AbortSignal | undefined
  /** Who answers for what the vendor says until whoever waits has it. */
  keeper?: Keeper
}

/** The report as JSON text: see `toReport`. Throws only what is the caller's fault; the vendor's trouble is told. */
export const makeCall = (
  app: App,
  actor: Actor,
  wire_id: string,
  input: MakeCall,
  waiting: Waiting = {},
): Promise<string> => make(app, actor, wire_id, input, waiting)

/**
 * As `makeCall`, for a room that finds out by itself what became of an outcome nobody saw: nothing repeats its calls.
 * `account` is that of the connection as the room opened it (`accountOf`): where it leads to another by now, nobody is asked.
 */
export const makeOwnCall = (
  app: App,
  actor: Actor,
  wire_id: string,
  input: MakeCall,
  account?: string,
): Promise<string> => make(app, actor, wire_id, input, { own: true, ...(account && { account }) })

async function make(
  app: App,
  actor: Actor,
  wire_id: string,
  input: MakeCall,
  { signal, keeper, own = false, account }: Waiting & { own?: boolean; account?: string },
): Promise<string> {
  const waited = withDeadline(app, input, { ...(signal && { signal }), ...(keeper && { keeper }) })
  const connection = await useConnection(app, actor, fromWire('connection', wire_id))
  if (account !== undefined && accountOf(connection) !== account)
    throw new Problem('conflict', { detail: `connection ${wire_id} was changed meanwhile; nobody was asked` })
  const prepared = await prepareCall(app, actor, connection, input, { waited })
  const { skip_cache: skip = false } = input
  const { plan, ...bare } = prepared.wanted
  const wanted = { ...bare, ...(plan && !own && { plan }) }
  const answered = await performCached(app, actor, prepared.connection, wanted, {
    named: prepared.named,
    skip,
  })
  const refused = turnedAway(answered)
  if (refused) throw refused
  return concludeCall(app, actor, prepared, answered)
}
