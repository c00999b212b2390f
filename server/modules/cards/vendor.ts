import type { CardVerb } from '../../kit/cards.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App, Cause } from '../app.ts'
import { type Answer, askVendor, byItself, type Report } from '../calls/calls.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { SETTLE } from './queries.ts'

/** `key`: the vendor does it once under it, however often it is asked. */
export type Question = { verb: CardVerb; input: unknown; key?: string }

/** Whoever waits for the reply waits no longer than this; then it is settled by asking. */
const PATIENCE = { retries: 2, deadline_ms: 40_000, wait_ms: 5_000 }

export const ask = <Told>(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { verb, input, key }: Question,
): Promise<Answer<Told>> =>
  askVendor(app, actor, connection, { operation: `cards.${verb}`, input, key, ...PATIENCE }, isUnsure)

/** These say nothing of the request itself: it is still under way there, or it was not looked at. */
const SAYS_NOTHING = new Set([401, 403, 408, 409, 425, 429])

/** An attempt before the last may have been heard, though the last was not; a key in use is the same request's. */
const isUnsure = ({ state, status, attempts, refusal }: Report): boolean =>
  status === 409 ||
  refusal?.reason === 'duplicate' ||
  (attempts > 1 && (state === 'failed' || SAYS_NOTHING.has(status ?? 0)))

/** Who asks where nobody waits: this room's own job unless a `cause` is given. */
export const asker = (
  connection: Pick<OpenConnection, 'tenant_id' | 'environment'>,
  cause: Cause = { kind: 'job', id: SETTLE },
): Actor => byItself(connection, cause)

/** Null where it was deleted: nobody can be asked any more. */
export const openIfThere = (app: App, tenant_id: string, id: string): Promise<OpenConnection | null> =>
  openConnection(app, tenant_id, id).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'not_found') return null
    throw error
  })
