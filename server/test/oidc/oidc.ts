import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Configuration } from 'oidc-provider'

/**
 * A real OpenID provider on a socket: it rotates refresh tokens and takes a grant back when a spent one is shown again.
 * Beside it, `/api` is a vendor that lets in whoever shows a token that lives, and `/_visit` plays the person.
 */
export type Oidc = {
  url: string
  /** Refreshes that were granted, and grants that were taken back, since the start. */
  refreshed(): number
  revoked(): number
  /** Ends all access tokens; refresh tokens stay. */
  expireAll(): void
  /** The next answers of the token endpoint: what is done to one instead of sending it on. */
  next(what: 'cut' | 'slow' | null): void
  stop(): Promise<void>
}

export const CLIENT = { client_id: 'trilho', client_secret: 'a-secret-of-the-client' }

type Options = {
  /** Given its own address where that has to be known before. */
  redirect_uri: string | ((url: string) => Promise<string>)
  token_life_s: number
  /** Who logs in, and what it says of them. */
  account?: () => string
  claims?: () => Record<string, unknown>
}

export async function startOidc(options: Options): Promise<Oidc> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { redirect_uri } = options
  const back = typeof redirect_uri === 'string' ? redirect_uri : await redirect_uri(url)
  const provider = new Provider(url, configuration(options, back))
  let refreshed = 0
  let revoked = 0
  const living = new Set<string>()
  let trouble: 'cut' | 'slow' | null = null
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.['grant_type'] === 'refresh_token') refreshed += 1
  })
  provider.on('grant.revoked', () => {
    revoked += 1
  })
  provider.on('access_token.saved', ({ jti }) => void living.add(jti))
  const serve = provider.callback()

  async function isLive(token: string): Promise<boolean> {
    const found = await provider.AccessToken.find(token)
    return found !== undefined && living.has(found.jti)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/api')) {
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
      const is_live = await isLive(token)
      response.writeHead(is_live ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ live: is_live }))
      return
    }
    if (request.url?.startsWith('/interaction/')) {
      return consent(provider, options.account?.() ?? 'ana', request, response)
    }
    if (request.url === '/token' && trouble !== null) {
      const now = trouble
      trouble = null
      if (now === 'slow') await new Promise((resolve) => setTimeout(resolve, 5_000))
      // The provider has done its work and its answer is never seen.
      else response.end = () => response.destroy() as never
    }
    await serve(request, response)
  }
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  return {
    url,
    refreshed: () => refreshed,
    revoked: () => revoked,
    expireAll: () => living.clear(),
    next: (what) => {
      trouble = what
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function configuration(options: Options, redirect_uri: string): Configuration {
  return {
    clients: [
      {
        ...CLIENT,
        redirect_uris: [redirect_uri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...options.claims?.() }) }),
    ttl: {
      AccessToken: options.token_life_s,
      RefreshToken: 86_400,
      Session: 86_400,
      Grant: 86_400,
      Interaction: 600,
    },
    cookies: { keys: ['a-key-of-the-test'] },
    scopes: ['openid', 'offline_access', 'payments'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'] },
  }
}

/** Logs in and agrees to everything, as fast as it is asked. */
async function consent(
  provider: Provider,
  accountId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, grantId } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId } })
    return
  }
  const grant =
    (grantId ? await provider.Grant.find(grantId) : undefined) ??
    new provider.Grant({ accountId, clientId: String(params['client_id']) })
  grant.addOIDCScope(String(params['scope']))
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

/** A browser: follows redirects with its cookies until one leads away from the vendor, and says where to. */
export async function visit(url: string, vendor: string): Promise<string> {
  const jar = new Map<string, string>()
  let next = url
  for (let hops = 0; hops < 12; hops++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${next} answered ${response.status}: ${await response.text()}`)
    next = new URL(location, next).href
    if (!next.startsWith(vendor)) return next
  }
  throw new Error('the vendor sends its visitor round and round')
}
