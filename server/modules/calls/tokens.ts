import { readToken, tokenRequest } from '../../kit/auth.ts'
import { authOf, baseUrl } from '../../kit/transports/http.ts'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'

/**
 * Access tokens of OAuth 2.0, one per connection and version, in the memory of this process. A token that is about
 * to end is renewed while it still serves; calls that need one at the same moment wait for the same request.
 */
export type TokenResult = { ok: true; token: string | undefined } | { ok: false; because: string }

type Kept = { version: number; token: string; ends_ms: number; renew_ms: number }
type Tokens = { kept: Map<string, Kept>; asking: Map<string, Promise<TokenResult>> }

const MOST = 10_000
const TIMEOUT_MS = 10_000
const MOST_BYTES = 100_000

const tokens = once((_app: App): Tokens => ({ kept: new Map(), asking: new Map() }))

/** `refused` is a token the vendor did not take: it is not given again. No token where none is needed. */
export async function tokenOf(app: App, connection: OpenConnection, refused?: string): Promise<TokenResult> {
  if (!needsToken(connection)) return { ok: true, token: undefined }
  const { kept } = tokens(app)
  const known = kept.get(connection.id)
  const now_ms = app.clock.monotonic()
  if (!known || known.version !== connection.version || known.token === refused || known.ends_ms <= now_ms) {
    return ask(app, connection)
  }
  if (known.renew_ms <= now_ms) void ask(app, connection)
  return { ok: true, token: known.token }
}

export const needsToken = ({ opened }: OpenConnection): boolean =>
  authOf(opened).kind === 'oauth2_client_credentials'

function ask(app: App, connection: OpenConnection): Promise<TokenResult> {
  const { asking } = tokens(app)
  const key = `${connection.id} ${connection.version}`
  const under_way = asking.get(key)
  if (under_way) return under_way
  const asked = request(app, connection).finally(() => asking.delete(key))
  asking.set(key, asked)
  return asked
}

async function request(app: App, connection: OpenConnection): Promise<TokenResult> {
  const { opened } = connection
  const auth = authOf(opened)
  if (auth.kind !== 'oauth2_client_credentials') return { ok: true, token: undefined }
  const asked = tokenRequest(auth, opened.credentials, baseUrl(opened))
  const reply = await app.egress.send({ ...asked, timeout_ms: TIMEOUT_MS, max_response_bytes: MOST_BYTES })
  if (reply.kind === 'error') return { ok: false, because: `no access token: ${reply.message}` }
  const read = readToken(reply.status, reply.body)
  // It quotes the other side, whose JSON can spell what PostgreSQL cannot store.
  if (!read.ok)
    return { ok: false, because: `no access token: ${read.because.replaceAll('\0', '').toWellFormed()}` }
  keep(app, connection, read.token, read.expires_in_s * 1000)
  return { ok: true, token: read.token }
}

/** Renewed in the last tenth of its life, at most a minute before its end. */
function keep(app: App, { id, version }: OpenConnection, token: string, life_ms: number): void {
  const { kept } = tokens(app)
  const ends_ms = app.clock.monotonic() + life_ms
  if (kept.size >= MOST) kept.delete(kept.keys().next().value ?? '')
  kept.set(id, { version, token, ends_ms, renew_ms: ends_ms - Math.min(60_000, life_ms / 10) })
}
