import { formEncode } from '../transports/form.ts'
import {
  type Asking,
  ask,
  completeUrl,
  isToken,
  notObtained,
  type Obtained,
  obtained,
  readObject,
  readSeconds,
} from './asking.ts'
import { cookiesOf } from './cookies.ts'
import { credentialOf, valueAt } from './credential.ts'

/** Two steps: user and password are posted once, and what comes back is shown from then on. */
export type Login = {
  kind: 'login'
  /** Credential fields, and the names under which the vendor wants them. */
  username: string
  password: string
  username_field: string
  password_field: string
  /** Sent beside them as they are. */
  extra: Readonly<Record<string, string>>
  encoding: 'json' | 'form'
  /** Absolute, or below the base URL. */
  login_url: string
  /** A path into the JSON that comes back, such as `data.token`; with null its cookies are what is shown. */
  token_path: string | null
  /** Where the seconds it is good for stand; `ttl_s` where nowhere. */
  expires_path: string | null
  /** Null where it is good until the vendor answers 401. */
  ttl_s: number | null
  /** Header of the token, and the text before it. */
  header: string
  prefix: string
}

export async function logIn(auth: Login, asking: Asking): Promise<Obtained> {
  const { credentials, base_url } = asking
  const form = {
    ...auth.extra,
    [auth.username_field]: credentialOf(credentials, auth.username),
    [auth.password_field]: credentialOf(credentials, auth.password),
  }
  const is_json = auth.encoding === 'json'
  const result = await ask(asking, {
    url: completeUrl(auth.login_url, base_url),
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': is_json ? 'application/json' : 'application/x-www-form-urlencoded',
    },
    body: is_json ? JSON.stringify(form) : formEncode(form),
  })
  if (result.kind === 'error') return notObtained(result.message)
  const { status, headers, body } = result
  // A log-in page that takes the password goes on to the next page.
  if (status > 299 && !(auth.token_path === null && status < 400)) {
    return notObtained(`the log-in was answered ${status}`, status === 401 || status === 403)
  }
  const reply = readObject(body.toString())
  const life_s = auth.expires_path === null ? null : readSeconds(valueAt(reply, auth.expires_path))
  const found =
    auth.token_path === null ? cookiesOf(headers['set-cookie'], asking.now) : valueAt(reply, auth.token_path)
  const is_fit = auth.token_path === null ? found !== '' : isToken(found)
  if (is_fit) return obtained(String(found), life_s ?? auth.ttl_s)
  return notObtained(
    auth.token_path === null
      ? 'the log-in was answered without a cookie'
      : `the log-in was answered ${status} without a token at ${auth.token_path}`,
  )
}

/** A page instead of the answer is how a portal says that its session has ended, and that it has made a change. */
export const goesOn = ({ token_path }: Login, status: number): boolean =>
  token_path === null && status > 299 && status < 400

/** Then its session has ended, and nothing was done. */
export function goesToLogIn({ login_url }: Login, location = ''): boolean {
  const page = placeOf(login_url)
  return page.length > 1 && placeOf(location).endsWith(page)
}

const placeOf = (url: string): string => URL.parse(url, 'http://x')?.pathname ?? ''
