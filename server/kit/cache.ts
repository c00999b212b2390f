import HttpCache from 'http-cache-semantics'
import Type, { type Static } from 'typebox'

/**
 * What may be kept of a vendor's answers, and for how long: RFC 9111, reckoned by `http-cache-semantics`, with
 * RFC 5861 for what is stale. A policy says its part in the vendor's own words: `wordsOf` writes the `Cache-Control`
 * that the vendor would have sent, so one set of rules decides in the end. Pure but for the clock.
 *
 * The cache is a private one: it serves one tenant through one set of credentials, so `private` may be kept.
 */
const Seconds = (description: string) => Type.Integer({ minimum: 0, maximum: LONGEST_S, description })

const LONGEST_S = 30 * 24 * 60 * 60

export const CacheRules = Type.Object(
  {
    strategy: Type.Union([Type.Literal('time_based'), Type.Literal('etag'), Type.Literal('conditional')], {
      description:
        'time_based: given out for ttl_s. etag: the vendor is asked each time whether its ETag still holds. conditional: as long as the vendor says (Cache-Control, Expires), then asked by ETag or Last-Modified',
    }),
    ttl_s: Type.Optional(
      Seconds(
        'How long an answer is given out without asking: 300 where time_based, else 0; with conditional where the vendor says nothing',
      ),
    ),
    stale_while_revalidate_s: Type.Optional(
      Seconds('How much longer it is given out at once, while the vendor is asked in the background; 0'),
    ),
    stale_if_error_s: Type.Optional(
      Seconds('How much longer it is given out where the vendor fails or may not be asked; 0'),
    ),
    statuses: Type.Optional(
      Type.Array(Type.Union([200, 203, 204, 300, 301, 308, 404, 410].map((status) => Type.Literal(status))), {
        minItems: 1,
        maxItems: 8,
        description: 'Which answers are kept; 200, 203 and 204',
      }),
    ),
    ignore_no_store: Type.Optional(
      Type.Boolean({ description: 'Keep also what the vendor marks no-store; false' }),
    ),
  },
  { additionalProperties: false },
)
export type CacheRules = Static<typeof CacheRules>

export type Answer = { status: number; headers: Readonly<Record<string, string>> }
export type ReadHeaders = Readonly<Record<string, string>>

/** The rules an answer was kept under; `toJson` and `fromJson` carry them to other processes. */
export type Kept = {
  http: HttpCache
  stale_if_error_s: number
  /** The vendor forbids that it is given out past its time, whoever asks for it. */
  is_strict: boolean
  /** What the request said in the headers that `Vary` names. */
  vary: readonly [name: string, value: string][]
}

const USUAL_STATUSES = [200, 203, 204]
const USUAL_TTL_S: Record<CacheRules['strategy'], number> = { time_based: 300, etag: 0, conditional: 0 }
const OPTIONS = { shared: false, cacheHeuristic: 0 }
/** What can be asked again with a validator is worth keeping past its time. */
const KEPT_FOR_ASKING_S = 24 * 60 * 60

/** What is kept of an answer, or in a token why nothing is. */
export function keep(rules: CacheRules, sent: ReadHeaders, { status, headers }: Answer): Kept | string {
  if (!(rules.statuses ?? USUAL_STATUSES).includes(status)) return `status-${status}`
  if (headers['set-cookie'] !== undefined) return 'set-cookie'
  if (headers['vary']?.includes('*')) return 'vary'
  if (rules.strategy === 'etag' && headers['etag'] === undefined) return 'no-etag'
  const words = wordsOf(rules, headers)
  const http = new HttpCache(asked(sent), { status, headers: words.headers }, OPTIONS)
  if (!http.storable()) return 'no-store'
  const vary = varyOf(headers['vary'], sent)
  const { stale_if_error_s, is_strict } = words
  const kept = { http, stale_if_error_s, is_strict, vary }
  return keptFor_s(kept) > 0 ? kept : 'no-lifetime'
}

/** Whether it answers this request at all: RFC 9111, section 4.1. */
export const answers = ({ vary }: Kept, sent: ReadHeaders): boolean =>
  vary.every(([name, value]) => (sent[name] ?? '') === value)

/** What `Vary` makes of the requests that share an answer; null where none may. */
export const variantOf = (vary: string | undefined, sent: ReadHeaders): string | null =>
  vary?.includes('*') ? null : JSON.stringify(varyOf(vary, sent))

const varyOf = (vary: string | undefined, sent: ReadHeaders) =>
  listOf(vary).map((name): [string, string] => [name, sent[name] ?? ''])

/** `while_asking`: may be given out while the vendor is asked in the background. */
export type Freshness = 'fresh' | 'while_asking' | 'stale'

/** By its age, and by what the request asks for (`no-cache`, `max-age`, `min-fresh`, `max-stale`). */
export function freshness({ http, is_strict }: Kept, sent: ReadHeaders): Freshness {
  const wishes = listOf(sent['cache-control']).filter((wish) => !(is_strict && wish.startsWith('max-stale')))
  const said = { 'cache-control': wishes.join(', '), pragma: sent['pragma']?.toLowerCase() }
  const { revalidation } = http.evaluateRequest(asked({ ...sent, ...defined(said) }))
  if (revalidation === undefined) return 'fresh'
  return revalidation.synchronous ? 'stale' : 'while_asking'
}

/** Whether it is better than an error: RFC 5861, section 4. */
export const standsIn = ({ http, stale_if_error_s }: Kept): boolean =>
  http.maxAge() + stale_if_error_s > http.age()

/** The caller would rather have nothing than have the vendor asked: RFC 9111, section 5.2.1.7. */
export const wantsOnlyKept = (sent: ReadHeaders): boolean =>
  directivesOf(sent['cache-control']).has('only-if-cached')

export const ageOf_s = ({ http }: Kept): number => Math.floor(http.age())

/** Seconds it stays fresh; negative where it is stale. */
// `|| 0`: a moment late is -0 to Math.ceil.
export const freshFor_s = ({ http }: Kept): number => Math.ceil(http.maxAge() - http.age()) || 0

/** Seconds until it is worth nothing. */
export function keptFor_s(kept: Kept): number {
  const { resh } = kept.http.toObject()
  const asks = resh['etag'] !== undefined || resh['last-modified'] !== undefined
  const useful_s = Math.max(kept.http.timeToLive() / 1000, freshFor_s(kept) + kept.stale_if_error_s)
  return Math.min(LONGEST_S, Math.max(useful_s, asks ? KEPT_FOR_ASKING_S : 0))
}

/** The validators to ask again with. */
export function validatorsOf({ http }: Kept, sent: ReadHeaders): Record<string, string> {
  const all = http.revalidationHeaders(asked(sent))
  const names = ['if-none-match', 'if-modified-since']
  return Object.fromEntries(
    names.flatMap((name) => (typeof all[name] === 'string' ? [[name, all[name]]] : [])),
  )
}

/** Whether a caller that has the copies of `if_none_match` has this answer: by weak comparison. */
export function sameAsCallers({ status, headers }: Answer, if_none_match: string): boolean {
  const etag = headers['etag']?.replace(/^W\//, '')
  if (status !== 200) return false
  if (if_none_match.trim() === '*') return true
  const theirs: string[] = if_none_match.match(/"[^"]*"/g) ?? []
  return etag !== undefined && theirs.includes(etag)
}

const OF_THE_BODY = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'content-range'])

/** The vendor said 304: the kept answer with the headers it has now, and as old as that is. RFC 9111, section 3.2. */
export function refresh(kept: Answer, said: Answer): Answer {
  const newer = Object.entries(said.headers).filter(([name]) => !OF_THE_BODY.has(name))
  const { age: _, ...before } = kept.headers
  return { status: kept.status, headers: { ...before, ...Object.fromEntries(newer) } }
}

export type KeptJson = Omit<Kept, 'http'> & { http: HttpCache.CachePolicyObject }

export const toJson = ({ http, ...rest }: Kept): KeptJson => ({ ...rest, http: http.toObject() })
export const fromJson = ({ http, ...rest }: KeptJson): Kept => ({ ...rest, http: HttpCache.fromObject(http) })

/** Whatever its method is, it is a read. */
const asked = (sent: ReadHeaders) => ({ method: 'GET', headers: sent })

/** The vendor's headers as if it had read the policy, without those that would say something else. */
function wordsOf(rules: CacheRules, headers: ReadHeaders) {
  const said = directivesOf(headers['cache-control'])
  const ttl_s = rules.ttl_s ?? USUAL_TTL_S[rules.strategy]
  const is_strict =
    rules.strategy === 'conditional' && (said.has('must-revalidate') || saysNoCache(said, headers['pragma']))
  const stale_s = (name: string, own: number | undefined) =>
    is_strict ? 0 : (own ?? (rules.strategy === 'conditional' ? Number(said.get(name) ?? 0) || 0 : 0))
  const while_s = stale_s('stale-while-revalidate', rules.stale_while_revalidate_s)
  const error_s = stale_s('stale-if-error', rules.stale_if_error_s)
  const { expires, age, etag, 'last-modified': modified, date } = headers
  const by_vendor = rules.strategy === 'conditional'
  const lifetime = by_vendor ? vendorLifetime(said, expires, headers['pragma'], ttl_s) : [`max-age=${ttl_s}`]
  const control = [
    ...(said.has('no-store') && !rules.ignore_no_store ? ['no-store'] : []),
    ...lifetime,
    `stale-while-revalidate=${while_s}`,
  ]
  return {
    headers: defined({
      'cache-control': control.join(', '),
      date,
      ...(by_vendor && { expires, age, 'last-modified': modified }),
      ...(rules.strategy !== 'time_based' && { etag }),
    }),
    stale_if_error_s: error_s,
    is_strict,
  }
}

const saysNoCache = (said: ReadonlyMap<string, string>, pragma = ''): boolean =>
  said.has('no-cache') || (said.size === 0 && pragma.toLowerCase().includes('no-cache'))

function vendorLifetime(
  said: ReadonlyMap<string, string>,
  expires: string | undefined,
  pragma: string | undefined,
  ttl_s: number,
): string[] {
  if (saysNoCache(said, pragma)) return ['no-cache']
  if (said.has('max-age')) return [`max-age=${said.get('max-age')}`]
  return expires === undefined ? [`max-age=${ttl_s}`] : []
}

/** Names in lower case; the value of one that has none is ''. */
function directivesOf(value: string | undefined): Map<string, string> {
  return new Map(
    listOf(value).map((part) => {
      const [name = '', text = ''] = part.split('=', 2)
      return [name.trim(), text.trim().replaceAll('"', '')]
    }),
  )
}

const listOf = (value = ''): string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)

const defined = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
