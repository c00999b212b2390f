import { type Asking, ask, completeUrl, isToken, notObtained, type Obtained, obtained } from './asking.ts'
import { toBasic } from './basic.ts'
import { cookiesOf, cookieValues } from './cookies.ts'
import { credentialOf } from './credential.ts'

/**
 * The session of SAP Gateway and those like it: a read that says `X-CSRF-Token: Fetch` is answered with a token and
 * cookies, without which no change is taken. Source: SAP Gateway Foundation, "Cross-Site Request Forgery Protection".
 */
export type CsrfSession = {
  kind: 'csrf_session'
  /** Credential fields; shown with every request too, so that a read outlives its session. */
  username: string
  password: string
  /** A cheap read, absolute or below the base URL. */
  fetch_url: string
  /** `x-csrf-token` at SAP. */
  header: string
}

export async function openSession(auth: CsrfSession, asking: Asking): Promise<Obtained> {
  const { credentials, base_url } = asking
  const basic = toBasic(credentialOf(credentials, auth.username), credentialOf(credentials, auth.password))
  const result = await ask(asking, {
    url: completeUrl(auth.fetch_url, base_url),
    method: 'GET',
    headers: { accept: 'application/json', authorization: basic, [auth.header]: 'Fetch' },
  })
  if (result.kind === 'error') return notObtained(result.message)
  const { status, headers } = result
  if (status > 299) return notObtained(`the session was refused with ${status}`, status === 401)
  const token = headers[auth.header]
  if (!isToken(token)) return notObtained(`the session was answered without ${auth.header}`)
  return obtained(`${token} ${cookiesOf(headers['set-cookie'], asking.now)}`, null)
}

/** What `openSession` gave, in its two parts. */
export function readSession(token: string): { csrf: string; cookies: string } {
  const space = token.indexOf(' ')
  return space < 0
    ? { csrf: token, cookies: '' }
    : { csrf: token.slice(0, space), cookies: token.slice(space + 1) }
}

export function sessionSecrets(token: string): string[] {
  const { csrf, cookies } = readSession(token)
  return [csrf, ...cookieValues(cookies)]
}
