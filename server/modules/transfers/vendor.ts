import type { TransferVerb } from '../../kit/transfers.ts'
import type { Actor, App, Cause } from '../app.ts'
import { type Answer, askVendor, byItself, type Report } from '../calls/calls.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import { indexerOf } from '../events/events.ts'
import { SETTLE } from './queries.ts'

export type Question = {
  verb: TransferVerb
  input: unknown
  /** In one attempt: after it, it is certain whether anything was sent. */
  once?: boolean
}

/** Whoever waits for the reply waits no longer than this; then it is settled by asking. */
const WHOLE_MS = 40_000
const LINE_MS = 5_000
const RETRIES = 2

export const ask = <Told>(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  { verb, input, once = false }: Question,
): Promise<Answer<Told>> =>
  askVendor(
    app,
    actor,
    connection,
    {
      ...{ operation: `transfers.${verb}`, input, deadline_ms: WHOLE_MS, wait_ms: LINE_MS },
      retries: once ? 0 : RETRIES,
    },
    isUnsure,
  )

/** Still under way there, or begun by an earlier try. */
const SAYS_NOTHING = new Set([408, 409, 425])

/**
 * A refusal in a single attempt is the bank's no. That a server in between had no answer says nothing of the bank behind
 * it, so that an error with a status of its own is unknown.
 */
const isUnsure = ({ state, status, attempts, refusal }: Report): boolean =>
  attempts > 1 ||
  SAYS_NOTHING.has(status ?? 0) ||
  refusal?.reason === 'duplicate' ||
  (state === 'failed' && status !== null)

/** What a connection's account is known again by; the account itself is nowhere beside the vault. */
export const markOf = async (app: App, connection: OpenConnection): Promise<Buffer> =>
  (await indexerOf(app, connection.tenant_id))(accountOf(connection))

/** Who asks where nobody waits: this room's own job unless a `cause` is given. */
export const asker = (
  connection: Pick<OpenConnection, 'tenant_id' | 'environment'>,
  cause: Cause = { kind: 'job', id: SETTLE },
): Actor => byItself(connection, cause)
