import { type Asking, type Obtained, quoted } from '../../kit/auth/asking.ts'
import { needsConsent, needsToken as needsOne, obtain } from '../../kit/auth.ts'
import { vendorSeen } from '../../kit/breaker.ts'
import { hideSecrets } from '../../kit/masking.ts'
import { authOf, baseUrl } from '../../kit/transports/http.ts'
import { isConnectionLoss, once } from '../../platform/database/database.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import type { App } from '../app.ts'
import {
  type Claim,
  claimToken,
  type KeptToken,
  type OpenConnection,
  onTokenChange,
  type Place,
  readToken,
  releaseToken,
  writeToken,
} from '../connections/connections.ts'
import { tellRefusal } from './token_refusal.ts'

/**
 * What a connection shows to be let in, renewed by one process at a time. Whoever finds it wanting claims it in the
 * database, asks the vendor with no transaction open, and writes by the version it saw; the others wait for that
 * version. A refresh token that the vendor rotates is thus used once, and the next is written before anybody may use it.
 */
export type TokenResult =
  /** `is_new`: the vendor gave it just now. */
  | { ok: true; token: string | undefined; base_url: string | undefined; is_new?: boolean }
  /** `at_fault`: the vendor did not answer, or answered 5xx. */
  | { ok: false; because: string; at_fault?: boolean }

const NONE: TokenResult = { ok: true, token: undefined, base_url: undefined }
type Had = Extract<TokenResult, { ok: true }>
const toResult = ({ token, base_url }: { token: string; base_url: string | null }): Had => ({
  ok: true,
  token,
  base_url: base_url ?? undefined,
})

/** Longer than asking takes, so that no two ask at once; a process that dies holds the others up for no longer. */
const LEASE_MS = 20_000
/** Of it, to write down what was obtained. */
const MARGIN_MS = 1_000
const PATIENCE_MS = LEASE_MS + 5000
/** A change is told; this is for the case that it was not heard. */
const LOOK_MS = 500
/** After a renewal ahead of time failed: the token still serves. */
const PAUSE_MS = 10_000
/** Many vendors give only so many tokens in an hour. */
const IN_VAIN_MS = 60_000

type Renewals = {
  /** By place and version: the calls of a moment wait for one renewal. */
  under_way: Map<string, Promise<TokenResult>>
  /** By place: when a renewal ahead of time may be tried again. */
  paused: Map<string, number>
  /** By place: until when a refusal is not believed to be the token's fault. */
  in_vain: Map<string, number>
  waiting: Map<string, Set<() => void>>
}

const keyOf = ({ tenant_id, connection_id, purpose }: Place) => `${tenant_id} ${connection_id} ${purpose}`

const renewals = once((app: App): Renewals => {
  const waiting: Renewals['waiting'] = new Map()
  onTokenChange(app, (key) => {
    for (const [place, wake] of waiting) if (key === '' || key === place) for (const go of wake) go()
  })
  return { under_way: new Map(), paused: new Map(), in_vain: new Map(), waiting }
})

export const placeOf = ({ tenant_id, id, opened }: OpenConnection): Place => ({
  tenant_id,
  connection_id: id,
  purpose: opened.as ?? 'own',
})

export const needsToken = ({ opened }: OpenConnection): boolean => needsOne(authOf(opened))

/** `refused` is one the vendor did not take: it is not given again. None where none is needed. */
export async function tokenOf(app: App, connection: OpenConnection, refused?: string): Promise<TokenResult> {
  if (!needsToken(connection)) return NONE
  const known = await readToken(app, placeOf(connection))
  const stand = standing(connection, known, refused, app.clock.now())
  if (stand.kind === 'refused') return { ok: false, because: stand.because }
  if (stand.kind === 'wanting') return renew(app, connection, known?.version ?? 0, refused)
  if (stand.is_due) renewAhead(app, connection, known?.version ?? 0)
  return known ? toResult(known) : NONE
}

type Standing = { kind: 'good'; is_due: boolean } | { kind: 'wanting' } | { kind: 'refused'; because: string }

const NOBODY = 'nobody has let this connection in yet; begin with POST /v1/connections/{id}/authorize'

/** What the one we have is worth. */
function standing(
  { opened, version }: OpenConnection,
  known: KeptToken | null,
  refused: string | undefined,
  now: Date,
): Standing {
  const consent = needsConsent(authOf(opened))
  if (consent && !known?.consented_at) {
    return { kind: 'refused', because: NOBODY }
  }
  if (known === null || !(consent || isMadeFor(known, version))) return { kind: 'wanting' }
  if (known.state === 'refused' && (consent || isAhead(known.renew_at, now))) {
    return { kind: 'refused', because: known.note ?? 'the vendor does not let this connection in' }
  }
  const is_over = known.expires_at !== null && known.expires_at <= now
  if (known.version === 0 || known.state === 'refused' || known.token === refused || is_over)
    return { kind: 'wanting' }
  return { kind: 'good', is_due: known.renew_at !== null && known.renew_at <= now }
}

/** One of another version of the connection may be of other credentials; one that nobody consented to is soon had. */
const isMadeFor = (known: KeptToken, version: number) => known.made_for === version && !known.consented_at
const isAhead = (at: Date | null, now: Date) => at !== null && at > now

function renewAhead(app: App, connection: OpenConnection, seen: number): void {
  const { paused } = renewals(app)
  const key = keyOf(placeOf(connection))
  if ((paused.get(key) ?? 0) > app.clock.monotonic()) return
  paused.set(key, app.clock.monotonic() + PAUSE_MS)
  void renew(app, connection, seen).then(
    (found) => found.ok && paused.delete(key),
    (err: unknown) =>
      app.log.warn({ err, connection: connection.id }, 'a token was not renewed ahead of time'),
  )
}

/** A new token was refused too, so it is something else that the vendor minds: for a while no refusal asks for another. */
export function noteInVain(app: App, connection: OpenConnection): void {
  renewals(app).in_vain.set(keyOf(placeOf(connection)), app.clock.monotonic() + IN_VAIN_MS)
}

export function isInVain(app: App, connection: OpenConnection): boolean {
  const { in_vain } = renewals(app)
  const key = keyOf(placeOf(connection))
  if ((in_vain.get(key) ?? Number.NEGATIVE_INFINITY) > app.clock.monotonic()) return true
  in_vain.delete(key)
  return false
}

/** Renews one that nobody asks for at present, where it is time; for the schedule. */
export async function keepToken(app: App, connection: OpenConnection): Promise<TokenResult> {
  const known = await readToken(app, placeOf(connection))
  const is_due = known?.state === 'live' && known.renew_at !== null && known.renew_at <= app.clock.now()
  return is_due ? renew(app, connection, known.version) : known ? toResult(known) : NONE
}

/** Those of this process that want to replace the same version share one renewal. */
function renew(app: App, connection: OpenConnection, seen: number, refused?: string): Promise<TokenResult> {
  const { under_way } = renewals(app)
  const key = `${keyOf(placeOf(connection))} ${seen} ${connection.version}`
  const known = under_way.get(key)
  if (known) return known
  const renewed = renewOrWait(app, connection, seen, refused).finally(() => under_way.delete(key))
  under_way.set(key, renewed)
  return renewed
}

/** Waits until every renewal is written: before the database is closed. */
export async function drainTokens(app: App): Promise<void> {
  await Promise.allSettled(renewals(app).under_way.values())
}

async function renewOrWait(
  app: App,
  connection: OpenConnection,
  seen: number,
  refused: string | undefined,
): Promise<TokenResult> {
  const place = placeOf(connection)
  const until_ms = app.clock.monotonic() + PATIENCE_MS
  while (app.clock.monotonic() < until_ms) {
    const changed = nextChange(app, place)
    const began_ms = app.clock.monotonic()
    const claim = await claimToken(app, place, { seen, made_for: connection.version }, LEASE_MS)
    if (claim) return renewNow(app, connection, claim, began_ms)
    const known = await readToken(app, place)
    if (known && known.version !== seen) return tokenOf(app, connection, refused)
    const stand = standing(connection, known, refused, app.clock.now())
    if (stand.kind === 'refused') return { ok: false, because: stand.because }
    await changed
  }
  return { ok: false, because: 'no access: another process is renewing it and has not come to an end' }
}

/** Ends at the next change of this token that is told, or when it is time to look. */
function nextChange(app: App, place: Place): Promise<void> {
  const { waiting } = renewals(app)
  const key = keyOf(place)
  return new Promise((resolve) => {
    const wake = waiting.get(key) ?? new Set()
    const go = () => {
      clearTimeout(timer)
      wake.delete(go)
      if (wake.size === 0) waiting.delete(key)
      resolve()
    }
    const timer = setTimeout(go, LOOK_MS)
    waiting.set(key, wake.add(go))
  })
}

/** Under a claim. From the vendor's answer on, what was given is written down or told of, whatever happens. */
async function renewNow(
  app: App,
  connection: OpenConnection,
  claim: Claim,
  began_ms: number,
): Promise<TokenResult> {
  const place = placeOf(connection)
  const answered = await askVendor(app, connection, claim, began_ms).catch(async (error: unknown) => {
    await releaseToken(app, place, claim)
    throw error
  })
  const found = answered.ok ? { ...answered, base_url: answered.base_url ?? claim.base_url } : answered
  if (found.ok) {
    const given = { made_for: connection.version, now: app.clock.now() }
    const consented_at = needsConsent(authOf(connection.opened)) ? claim.consented_at : null
    const is_ours = await insist(app, () => writeToken(app, place, { ...claim, consented_at }, found, given))
    return is_ours ? { ...toResult(found), is_new: true } : newer(app, connection)
  }
  // It quotes the vendor, who may quote what it was shown.
  const secrets = [...Object.values(connection.opened.credentials), claim.refresh_token ?? '']
  const because = `no access: ${quoted(hideSecrets(found.because, secrets))}`
  if (found.final) return (await tellRefusal(app, connection, claim, because)) ?? newer(app, connection)
  await releaseToken(app, place, claim)
  return { ok: false, because, at_fault: found.at_fault }
}

/** Another process was ahead of us: what it wrote stands. */
async function newer(app: App, connection: OpenConnection): Promise<TokenResult> {
  const known = await readToken(app, placeOf(connection))
  return known?.state === 'live' && known.token !== ''
    ? toResult(known)
    : { ok: false, because: known?.note ?? 'no access: what let this connection in was taken away' }
}

async function askVendor(
  app: App,
  { opened }: OpenConnection,
  { refresh_token }: Claim,
  began_ms: number,
): Promise<Obtained & { at_fault: boolean }> {
  const auth = authOf(opened)
  if (!needsOne(auth)) throw new Error(`nothing is obtained for ${auth.kind}`)
  const asking = askingOf(app, { opened }, began_ms + LEASE_MS - MARGIN_MS)
  let at_fault = false
  const send: Asking['send'] = async (request) => {
    const result = await asking.send(request)
    at_fault = vendorSeen(opened.provider, result, false) === 'at_fault'
    return result
  }
  return { ...(await obtain(auth, { ...asking, send }, refresh_token)), at_fault }
}

const TOO_LATE: EgressResult = {
  ...{ kind: 'error', code: 'aborted', sent: false, total_ms: 0 },
  message: 'this server is too busy, or the vendor too slow',
}

/** Of several questions none is asked whose answer may come when the claim has ended, and another process asks as well. */
export const askingOf = (app: App, { opened }: Pick<OpenConnection, 'opened'>, until_ms: number): Asking => ({
  credentials: opened.credentials,
  base_url: baseUrl(opened),
  identity: opened.identity,
  now: app.clock.now(),
  send: async (request) =>
    app.clock.monotonic() + request.timeout_ms > until_ms ? TOO_LATE : app.egress.send(request),
})

const INSIST_MS = 120_000
const BETWEEN_MS = 500

/** A refresh token that was rotated is nowhere else: while PostgreSQL is away, this is tried again. */
async function insist<T>(app: App, write: () => Promise<T>): Promise<T> {
  const until_ms = app.clock.monotonic() + INSIST_MS
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!isConnectionLoss(error) || app.clock.monotonic() > until_ms) throw error
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS))
    }
  }
}
