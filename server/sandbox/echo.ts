import type { OAuth } from './oauth.ts'
import { json, numberIn, type SandboxReply, type SandboxRequest, sleep, type Vendor } from './wire.ts'

/**
 * A REST vendor without a business: it says what it was asked. `/anything/…` echoes, `/reflect` answers with the body it got,
 * `/status/{n}`,
 * `/delay/{ms}`, `/bytes/{n}`, `/unstable?every=3` (fails every third request), `/headers`; and it checks who asks:
 * `/bearer/{token}`, `/basic/{user}/{password}`, `/key/{value}` (header `X-Api-Key` or query `api_key`),
 * `/oauth` (a token of `/oauth/token`).
 */
export function createEcho(oauth: OAuth): Vendor {
  let unstable = 0
  return async (request) => {
    const [, what = '', first = '', second = ''] = request.path.split('/').map(decodeURIComponent)
    switch (what) {
      case 'anything':
        return echo(request)
      case 'reflect':
        return reflect(request)
      case 'headers':
        return json(200, { headers: request.headers })
      case 'status':
        return withStatus(Number(first), request)
      case 'delay':
        await sleep(Math.min(Number(first) || 0, 120_000))
        return echo(request)
      case 'bytes':
        return bytes(Math.min(Number(first) || 0, 64 * 1024 * 1024))
      case 'unstable':
        unstable += 1
        return unstable % Math.max(1, numberIn(request.query, 'every', 2, 1000)) === 0
          ? json(503, { error: 'unstable' }, { 'retry-after': '0' })
          : echo(request)
      case 'bearer':
        return checked(request.headers.authorization === `Bearer ${first}`, 'Bearer')
      case 'basic':
        return checked(request.headers.authorization === basic(first, second), 'Basic realm="sandbox"')
      case 'key':
        return checked((request.headers['x-api-key'] ?? request.query.get('api_key')) === first, 'ApiKey')
      case 'oauth':
        return checked(oauth.isLive((request.headers.authorization ?? '').replace(/^Bearer /, '')), 'Bearer')
      default:
        return json(404, { error: `There is no ${request.path} here` })
    }
  }
}

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const checked = (ok: boolean, scheme: string): SandboxReply =>
  ok
    ? json(200, { authenticated: true })
    : json(401, { error: 'unauthorized' }, { 'www-authenticate': scheme })

function echo({ method, path, query, headers, body }: SandboxRequest): SandboxReply {
  const text = body.toString()
  const is_text = Buffer.from(text).equals(body)
  const told = headers['x-request-id'] // given back, as gateways do
  const content = is_text ? { body: text } : { body_base64: body.toString('base64') }
  return json(
    200,
    { method, path, query: Object.fromEntries(query), headers, ...content },
    typeof told === 'string' ? { 'x-request-id': told } : {},
  )
}

const reflect = ({ headers, body }: SandboxRequest): SandboxReply => ({
  status: 200,
  headers: { 'content-type': headers['content-type'] ?? 'application/octet-stream' },
  body,
})

function withStatus(status: number, request: SandboxRequest): SandboxReply {
  if (!(status >= 200 && status <= 599)) return json(400, { error: 'status must be between 200 and 599' })
  const retry_after = request.query.get('retry_after')
  const body = status === 204 || status === 304 ? '' : JSON.stringify({ status })
  return {
    status,
    body,
    headers: { 'content-type': 'application/json', ...(retry_after && { 'retry-after': retry_after }) },
  }
}

const bytes = (length: number): SandboxReply => ({
  status: 200,
  headers: { 'content-type': 'application/octet-stream' },
  body: Buffer.alloc(length, 0xa5),
})
