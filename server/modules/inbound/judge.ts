import { schemeKind, verifyMessage } from '../../kit/messages.ts'
import type { Genuine, Refused } from '../../kit/signatures.ts'
import type { App } from '../app.ts'
import type { Arrival } from './receive.ts'
import { type ActiveSource, baseOf } from './sources.ts'
import { judgeWithKeys } from './vendor_keys.ts'

/** By what an arrival is believed, or why it is not. */

/** At once, unless a key of the vendor's must be fetched first: most are judged without waiting for anything. */
type Verdict = Genuine | Refused | Promise<Genuine | Refused>

/** Judged as of the moment it arrived: what waited in quarantine is not too old for having waited. */
export function judgeAt(app: App, source: ActiveSource, arrival: Arrival, arrived: Date): Verdict {
  const { provider, settings, secrets } = source
  const { headers, body, path, behind_proxy } = arrival
  const given = { headers, body, settings, secrets, now: arrived, url: baseOf(app) + path, behind_proxy }
  const first = verifyMessage(provider, given)
  if (first.ok || first.reason !== 'no_key') return first
  return judgeWithKeys(app, source, first, (fetched) => verifyMessage(provider, { ...given, fetched }))
}

/**
 * By what an arrival verified that did: the scheme, and which of the secrets, of which there are several only while one
 * is being replaced. It is kept with the message, since settings and secrets change after it.
 */
export function proofOf({ provider, settings, secrets, options }: ActiveSource, { secret }: Genuine): string {
  const by = secret === undefined ? '' : ` with secret ${secret + 1} of ${secrets.length}`
  return `${schemeKind(provider, settings)}${by}${options.access_token ? ' and an access token' : ''}`
}
