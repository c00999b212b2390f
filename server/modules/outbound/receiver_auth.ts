import {
  clientCredentials,
  type Auth as KitAuth,
  needsToken,
  obtain,
  refusesToken,
  sign,
  signsRequests,
} from '../../kit/auth.ts'
import { once } from '../../platform/database/database.ts'
import type { ClientIdentity, EgressRequest } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { certificateOf, type MutualTls, readMutualTls, type ShownMutualTls } from './client_certificate.ts'
import { type Auth, authHeader, checkHeaders, type ShownAuth, showAuth } from './headers.ts'

/**
 * Authentication at the receiver beyond a header that is always the same: an access token that is asked for, and kept
 * for as long as it is good, or a signature of each body.
 */
export type ReceiverAuth =
  | Auth
  | { type: 'oauth2'; token_url: string; client_id: string; client_secret: string; scope?: string }
  | { type: 'hmac'; header: string; secret: string; encoding?: 'hex' | 'base64' }
  | MutualTls
  | { type: 'scram'; mechanism: Mechanism; username: string; password: string }
  | { type: 'aws'; access_key_id: string; secret_access_key: string; session_token?: string }

type Mechanism = 'sha-256' | 'sha-512'

/** What of it is no secret, kept and shown. */
export type ShownReceiverAuth =
  | ShownAuth
  | { type: 'oauth2'; token_url: string; client_id: string; scope: string | null }
  | { type: 'hmac'; header: string; encoding: 'hex' | 'base64' }
  | ShownMutualTls
  | { type: 'scram'; mechanism: Mechanism; username: string }
  | { type: 'aws'; access_key_id: string }

/** As it is kept sealed: a header by its name, or a secret under a name that no header has. */
export const SECRET = ':secret'
export const SESSION = ':session_token'

export function readReceiverAuth(auth: ReceiverAuth): {
  shown: ShownReceiverAuth
  sealed: Record<string, string>
} {
  switch (auth.type) {
    case 'oauth2': {
      const { token_url, client_id, client_secret, scope = null } = auth
      if (!/^https?:$/.test(URL.parse(token_url)?.protocol ?? '')) {
        throw new Problem('invalid_request', {
          field: 'auth.token_url',
          detail: 'auth.token_url must be an http or https address',
        })
      }
      return { shown: { type: 'oauth2', token_url, client_id, scope }, sealed: { [SECRET]: client_secret } }
    }
    case 'hmac': {
      const { header, secret, encoding = 'hex' } = auth
      const [name = ''] = Object.keys(checkHeaders({ [header]: 'x' }))
      return { shown: { type: 'hmac', header: name, encoding }, sealed: { [SECRET]: secret } }
    }
    case 'mtls':
      return readMutualTls(auth)
    case 'scram': {
      const { type, mechanism, username, password } = auth
      return { shown: { type, mechanism, username }, sealed: { [SECRET]: password } }
    }
    case 'aws': {
      const { type, access_key_id, secret_access_key, session_token } = auth
      const session = session_token === undefined ? {} : { [SESSION]: session_token }
      return { shown: { type, access_key_id }, sealed: { [SECRET]: secret_access_key, ...session } }
    }
    default:
      return { shown: showAuth(auth), sealed: authHeader(auth) }
  }
}

/** The header that it sets, null where it sets none. */
export function headerOf(auth: ShownReceiverAuth | ReceiverAuth): string | null {
  if (auth.type === 'mtls') return null
  return 'header' in auth ? auth.header.toLowerCase() : 'authorization'
}

/** What is done for each request. */
export type Prover = { auth: KitAuth; credentials: Record<string, string> }

/** How a receiver is shown who we are: by headers that are always the same, for each request, or by a certificate. */
export type Proof = {
  headers: Record<string, string>
  prover: Prover | null
  identity: ClientIdentity | undefined
}

export const NO_PROOF: Proof = { headers: {}, prover: null, identity: undefined }

/** `owner` tells identities apart: the subscription. */
export function proofOf(
  shown: ShownReceiverAuth | null,
  sealed: Record<string, string>,
  owner: string,
): Proof {
  const { [SECRET]: secret = '', ...headers } = sealed
  if (shown?.type === 'mtls') return { ...NO_PROOF, identity: certificateOf(sealed, owner) }
  if (shown?.type === 'oauth2') {
    const { token_url, client_id, scope } = shown
    const auth = clientCredentials(token_url, { scope })
    return { ...NO_PROOF, headers, prover: { auth, credentials: { client_id, client_secret: secret } } }
  }
  if (shown?.type === 'hmac') {
    const { header, encoding } = shown
    const auth = { ...BODY_HMAC, header, encoding }
    return { ...NO_PROOF, headers, prover: { auth, credentials: { secret } } }
  }
  return { ...NO_PROOF, headers }
}

const BODY_HMAC = {
  kind: 'hmac',
  secret: 'secret',
  key_id: null,
  secret_encoding: 'utf8',
  algorithm: 'sha256',
  signs: '{body}',
  header_value: '{signature}',
  timestamp_header: null,
  timestamp_format: 'seconds',
  nonce_header: null,
  key_id_header: null,
} as const

export type Proved = { ok: true; request: EgressRequest } | { ok: false; because: string }

/** The request as the receiver wants it. */
export async function prove(app: App, prover: Prover, request: EgressRequest): Promise<Proved> {
  const { auth, credentials } = prover
  if (signsRequests(auth)) {
    return { ok: true, request: await sign(auth, credentials, request, app.clock.now()) }
  }
  const token = await tokens(app).of(prover)
  if (!token.ok) return { ok: false, because: `no access token was given: ${token.because}` }
  const headers = { ...request.headers, authorization: `Bearer ${token.token}` }
  return { ok: true, request: { ...request, headers } }
}

/** To be said of each answer: a token that is refused is asked for anew by the next attempt. */
export function heed(app: App, prover: Prover, status: number, headers: Record<string, string>): void {
  if (refusesToken(prover.auth, status, headers)) tokens(app).drop(prover)
}

/** A token is not used in its last seconds, lest it ends on the way. */
const EARLY_S = 30
const WITHOUT_END_S = 300

type Given = { ok: true; token: string } | { ok: false; because: string }

const MOST_KEPT = 1_000

/** Tokens are kept by all that was shown to get them: a subscription that is changed asks anew. */
const tokens = once((app: App) => {
  const kept = new Map<string, { token: string; until: number }>()
  const asked = new Map<string, Promise<Given>>()
  const nameOf = ({ auth, credentials }: Prover) => JSON.stringify([auth, credentials])

  async function askFor(prover: Prover): Promise<Given> {
    const { auth, credentials } = prover
    if (!needsToken(auth)) throw new Error(`${auth.kind} needs no token`)
    const asking = { credentials, base_url: '', now: app.clock.now(), send: app.egress.send }
    const given = await obtain(auth, asking, null)
    if (!given.ok) return given
    const [oldest] = kept.keys()
    if (kept.size >= MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    const for_s = (given.expires_in_s ?? WITHOUT_END_S) - EARLY_S
    kept.set(nameOf(prover), { token: given.token, until: app.clock.monotonic() + for_s * 1000 })
    return given
  }

  return {
    of: (prover: Prover): Promise<Given> => {
      const name = nameOf(prover)
      const known = kept.get(name)
      if (known && known.until > app.clock.monotonic())
        return Promise.resolve({ ok: true, token: known.token })
      const under_way = asked.get(name)
      if (under_way) return under_way
      const asking = askFor(prover).finally(() => asked.delete(name))
      asked.set(name, asking)
      return asking
    },
    drop: (prover: Prover): void => void kept.delete(nameOf(prover)),
  }
})
