import { randomBytes } from 'node:crypto'
import { json, numberIn, remember, type SandboxReply, type SandboxRequest } from './wire.ts'

/**
 * An OAuth 2.0 token endpoint for the client credentials grant (RFC 6749, section 4.4). Any client id with the
 * secret `sandbox-secret` is served, by HTTP Basic or in the form; `?expires_in=` shortens the life of a token,
 * `POST /oauth/_revoke` ends all of them at once, `GET /oauth/_issued` counts them.
 */
export const OAUTH_SECRET = 'sandbox-secret'

export type OAuth = {
  vendor(request: SandboxRequest): SandboxReply
  isLive(token: string): boolean
}

export function createOAuth(): OAuth {
  const tokens = new Map<string, number>()
  let issued = 0
  const issue = (request: SandboxRequest): SandboxReply => {
    const form = new URLSearchParams(request.body.toString())
    if (form.get('grant_type') !== 'client_credentials') return json(400, { error: 'unsupported_grant_type' })
    const { id, secret } = readClient(request, form)
    if (!id || secret !== OAUTH_SECRET) {
      return json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="sandbox"' })
    }
    const expires_in = numberIn(request.query, 'expires_in', 3600, 86_400)
    const access_token = randomBytes(24).toString('base64url')
    remember(tokens, access_token, Date.now() + expires_in * 1000, 10_000)
    issued += 1
    const scope = form.get('scope')
    return json(
      200,
      { access_token, token_type: 'Bearer', expires_in, ...(scope && { scope }) },
      { 'cache-control': 'no-store' },
    )
  }
  return {
    isLive: (token) => (tokens.get(token) ?? 0) > Date.now(),
    vendor(request) {
      const path = request.path.replace(/\/$/, '')
      if (path === '/token' && request.method === 'POST') return issue(request)
      if (path === '/_issued') return json(200, { issued })
      if (path !== '/_revoke') return json(404, { error: 'not_found' })
      tokens.clear()
      return json(200, { revoked: true })
    },
  }
}

function readClient(
  request: SandboxRequest,
  form: URLSearchParams,
): { id: string | null; secret: string | null } {
  const header = request.headers.authorization ?? ''
  if (!header.startsWith('Basic ')) return { id: form.get('client_id'), secret: form.get('client_secret') }
  const [id = '', secret = ''] = Buffer.from(header.slice(6), 'base64').toString().split(':', 2)
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret) }
}
