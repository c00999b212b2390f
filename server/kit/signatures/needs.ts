/**
 * What a vendor publishes and its signatures are verified with: a key, a set of keys, a certificate. A scheme says
 * what it needs and is asked again with it in hand; fetching and keeping it is the business of who asks.
 */
export type KeyNeed = {
  /** What it is handed back under. */
  name: string
  from:
    | { kind: 'address'; url: string }
    /** Through the connection of the source. An answer with `unknown` in it says that the vendor has no such key. */
    | { kind: 'connection'; path: string; body: Readonly<Record<string, string>>; unknown: string }
}

/** No verdict yet: what is missing, or what was found there lacks the key that is named. */
export type Needed = { ok: false; reason: 'no_key'; detail: string; need: KeyNeed }

export const needed = (need: KeyNeed): Needed => ({
  ok: false,
  reason: 'no_key',
  detail: 'the key it is verified with is not at hand',
  need,
})

/** Where keys are believed to be the vendor's: over TLS, on the vendor's own hosts, below one path. */
export type KeyPlace = { hosts: RegExp; path: RegExp }

/**
 * An address that a message names, if it is the vendor's own; `own_base` replaces the vendor where somebody set a
 * sandbox or a gateway. Whoever could choose the address could sign with a key of theirs.
 */
export function pinnedAddress(text: string, place: KeyPlace, own_base: string | null): string | null {
  const url = /[\s,\\]/.test(text) ? null : URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return null
  }
  if (own_base !== null) return isBelow(url, own_base) ? url.href : null
  const theirs = url.protocol === 'https:' && url.port === '' && place.hosts.test(url.hostname)
  return theirs && place.path.test(url.pathname) ? url.href : null
}

function isBelow(url: URL, base: string): boolean {
  const own = URL.parse(base)
  return own !== null && url.origin === own.origin && url.pathname.startsWith(own.pathname)
}
