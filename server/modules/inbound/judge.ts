import { needsSecret, schemeKind, verifyMessage } from '../../kit/messages.ts'
import type { Refused } from '../../kit/signatures.ts'
import type { App } from '../app.ts'
import type { Arrival } from './receive.ts'
import { type ActiveSource, baseOf } from './sources.ts'
import { judgeWithKeys } from './vendor_keys.ts'

/** By what an arrival is believed, or why it is not. */

/** At once, unless a key of the vendor's must be fetched first: most are judged without waiting for anything. */
type Verdict = { ok: true } | Refused | Promise<{ ok: true } | Refused>

/** Judged as of the moment it arrived: what waited in quarantine is not too old for having waited. */
export function judgeAt(app: App, source: ActiveSource, arrival: Arrival, arrived: Date): Verdict {
  const { provider } = source
  const given = givenBy(app, source, arrival, arrived)
  const first = verifyMessage(provider, given)
  if (first.ok || first.reason !== 'no_key') return first
  return judgeWithKeys(app, source, first, (fetched) => verifyMessage(provider, { ...given, fetched }))
}

const givenBy = (app: App, source: ActiveSource, arrival: Arrival, now: Date) => {
  const { settings, secrets } = source
  const { headers, body, path, behind_proxy } = arrival
  return { headers, body, settings, secrets, now, url: baseOf(app) + path, behind_proxy }
}

/**
 * By what an arrival verified that did: the scheme, and which of the secrets, of which there are several only while one
 * is being replaced. It is kept with the message, since settings and secrets change after it.
 */
export function proofOf(app: App, source: ActiveSource, arrival: Arrival, arrived: Date): string {
  const { provider, settings, options } = source
  const scheme = schemeKind(provider, settings)
  const secret = needsSecret(provider, settings)
    ? ` with secret ${placeOf(app, source, arrival, arrived)}`
    : ''
  return `${scheme}${secret}${options.access_token ? ' and an access token' : ''}`
}

function placeOf(app: App, source: ActiveSource, arrival: Arrival, arrived: Date): string {
  const { provider, secrets } = source
  if (secrets.length < 2) return '1 of 1'
  const given = givenBy(app, source, arrival, arrived)
  const at = secrets.findIndex((secret) => verifyMessage(provider, { ...given, secrets: [secret] }).ok)
  return `${at + 1} of ${secrets.length}`
}
