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
export function cookieToken({ headers, protocol }: FastifyRequest): string | null {
  const cookies = new Map(
    (headers.cookie ?? '').split(';').map((pair): [string, string] => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
  const token = cookies.get(SAFE) ?? (protocol === 'https' ? undefined : cookies.get(PLAIN))
  return token !== undefined && /^[\w-]{43}$/.test(token) ? token : null
}
