import type { FastifyReply, FastifyRequest } from 'fastify'

/** Over https a name that no other host and no plain http can set. */
const SAFE = '__Host-trilho_session'
const PLAIN = 'trilho_session'
const ALWAYS = 'Path=/; HttpOnly; SameSite=Strict'

/**
 * A page over https says so in `Origin` even where the proxy that took it from there is not trusted: better a cookie
 * that is Secure than one that a plain request would carry.
 */
export const isHttps = ({ protocol, headers }: FastifyRequest): boolean =>
  protocol === 'https' || (headers.origin ?? '').startsWith('https://')

/** Without an age: it goes when the browser is closed, and earlier when the session ends. */
export function setCookie(reply: FastifyReply, token: string, is_https: boolean): void {
  reply.header(
    'set-cookie',
    is_https ? `${SAFE}=${token}; ${ALWAYS}; Secure` : `${PLAIN}=${token}; ${ALWAYS}`,
  )
}

export function endCookie(reply: FastifyReply): void {
  reply.header('set-cookie', [`${SAFE}=; ${ALWAYS}; Secure; Max-Age=0`, `${PLAIN}=; ${ALWAYS}; Max-Age=0`])
}

/** The token a request carries; over https the plain name is anybody's to set and does not count. */
export function cookieToken(request: FastifyRequest, is_https: boolean): string | null {
  const cookies = cookiesOf(request)
  const token = cookies.get(SAFE) ?? (is_https ? undefined : cookies.get(PLAIN))
  return token !== undefined && /^[\w-]{43}$/.test(token) ? token : null
}

const cookiesOf = ({ headers }: FastifyRequest): Map<string, string> =>
  new Map(
    (headers.cookie ?? '').split(';').map((pair): [string, string] => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )

const VISIT = 'trilho_sign_in'
/** Lax: the provider's page sends the browser back with it. */
const VISITING = 'Path=/v1/sign-in; HttpOnly; SameSite=Lax'
const VISIT_LIFE_S = 600

export function setVisitCookie(reply: FastifyReply, kept: string, is_https: boolean): void {
  const secure = is_https ? '; Secure' : ''
  reply.header('set-cookie', `${VISIT}=${kept}; ${VISITING}; Max-Age=${VISIT_LIFE_S}${secure}`)
}

export const endVisitCookie = (reply: FastifyReply): void =>
  void reply.header('set-cookie', `${VISIT}=; ${VISITING}; Max-Age=0`)

export function visitOf(request: FastifyRequest): string | null {
  const kept = cookiesOf(request).get(VISIT)
  return kept !== undefined && /^[\w-]{1,2000}$/.test(kept) ? kept : null
}
