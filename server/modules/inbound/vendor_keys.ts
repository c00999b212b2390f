import type { Genuine, KeyNeed, Needed, Refused, Verified } from '../../kit/signatures.ts'
import { rawMember, textMember } from '../../kit/wire_json.ts'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { USER_AGENT } from '../../platform/version.ts'
import type { App } from '../app.ts'
import { makeCall } from '../calls/calls.ts'
import { type ActiveSource, actorOf } from './sources.ts'

/**
 * What vendors publish for their webhooks to be verified with: keys, sets of keys, certificates. Fetched when a message
 * first needs it, through the guard on outgoing traffic or the connection of the source, and kept for an hour by this
 * process. While it cannot be fetched nothing is decided, neither genuine nor forged: the sender is answered 503 and
 * sends again.
 */

const KEEP_MS = 3_600_000
/** A set that lacks a key, and a key that the vendor does not know, are asked for again after this. */
const AGAIN_MS = 10_000
const MOST_KEPT = 2_000
/** Per source and minute: forgeries that name ever new keys must not have us flood the vendor. */
const MOST_FETCHES = 30
const TIMEOUT_MS = 5_000
const MOST_BYTES = 262_144

/** Null where the vendor has no such key. */
type Kept = { text: string | null; at_ms: number }

const keysOf = once((_app: App) => ({
  kept: new Map<string, Kept>(),
  fetching: new Map<string, Promise<Kept>>(),
  spent: new Map<string, { minute: number; fetches: number }>(),
}))

/** The verdict once what it needs is at hand; `again` judges with what was fetched. */
export async function judgeWithKeys(
  app: App,
  source: ActiveSource,
  first: Needed,
  again: (fetched: ReadonlyMap<string, string>) => Verified,
): Promise<Genuine | Refused> {
  const fetched = new Map<string, string>()
  let verdict: Verified = first
  for (const oldest_ms of [KEEP_MS, AGAIN_MS]) {
    if (verdict.ok || verdict.reason !== 'no_key') return verdict
    if (lacksConnection(source, verdict.need)) return noConnection
    const text = await keyFor(app, source, verdict.need, oldest_ms)
    if (text === null) return unknownKey
    fetched.set(verdict.need.name, text)
    verdict = again(fetched)
  }
  return verdict.ok || verdict.reason !== 'no_key' ? verdict : unknownKey
}

const lacksConnection = ({ connection_id }: ActiveSource, { from }: KeyNeed): boolean =>
  from.kind === 'connection' && connection_id === null

/** Ours to mend: it is kept, and can be released once there is one. */
const noConnection: Refused = {
  ok: false,
  reason: 'no_secret',
  detail: 'the vendor gives its keys to its customers only; set connection_id of this source to a connection',
}

const unknownKey: Refused = {
  ok: false,
  reason: 'bad_signature',
  detail: 'the vendor publishes no such key or certificate as the message names',
}

async function keyFor(app: App, source: ActiveSource, need: KeyNeed, oldest_ms: number) {
  const { kept, fetching } = keysOf(app)
  const name = `${need.from.kind === 'connection' ? source.connection_id : ''} ${need.name}`
  const known = kept.get(name)
  const usable_ms = known?.text === null ? AGAIN_MS : oldest_ms
  if (known && app.clock.monotonic() - known.at_ms < usable_ms) return known.text
  const under_way = fetching.get(name)
  if (under_way) return (await under_way).text
  // What the vendor has was asked for by a message of its own: forgeries use up no place of it.
  if (!known?.text) spend(app, source)
  const fetched = fetchKey(app, source, need).finally(() => fetching.delete(name))
  fetching.set(name, fetched)
  const fresh = await fetched
  keep(kept, name, fresh)
  return fresh.text
}

/** What no vendor has makes room first: names that forgeries invent push out no key. */
function keep(kept: Map<string, Kept>, name: string, fresh: Kept): void {
  kept.delete(name)
  kept.set(name, fresh)
  if (kept.size <= MOST_KEPT) return
  const [oldest] = kept.keys()
  const unknown = kept.entries().find(([, { text }]) => text === null)?.[0]
  kept.delete(unknown ?? oldest ?? name)
}

function spend(app: App, source: ActiveSource): void {
  const { spent } = keysOf(app)
  const minute = Math.floor(app.clock.monotonic() / 60_000)
  const before = spent.get(source.id)
  const fetches = before?.minute === minute ? before.fetches : 0
  if (fetches >= MOST_FETCHES) throw unverifiable(app, source, 'too many keys were asked for in this minute')
  if (spent.size > MOST_KEPT) spent.clear()
  spent.set(source.id, { minute, fetches: fetches + 1 })
}

async function fetchKey(app: App, source: ActiveSource, { from }: KeyNeed): Promise<Kept> {
  const text =
    from.kind === 'address'
      ? await fromAddress(app, source, from.url)
      : await throughConnection(app, source, from)
  return { text, at_ms: app.clock.monotonic() }
}

async function fromAddress(app: App, source: ActiveSource, url: string): Promise<string | null> {
  const result = await app.egress.send({
    url,
    method: 'GET',
    headers: { accept: '*/*', 'user-agent': USER_AGENT },
    timeout_ms: TIMEOUT_MS,
    max_response_bytes: MOST_BYTES,
  })
  if (result.kind === 'error') throw unverifiable(app, source, result.message)
  if (result.status === 404 || result.status === 410) return null
  if (result.status !== 200 || result.truncated) {
    throw unverifiable(app, source, `${URL.parse(url)?.host} answered ${result.status}`)
  }
  return result.body.toString()
}

type FromConnection = Extract<KeyNeed['from'], { kind: 'connection' }>

/** A vendor's no to what it was asked is told apart from its no to who asks: only `unknown` speaks of the key. */
async function throughConnection(
  app: App,
  source: ActiveSource,
  { path, body, unknown }: FromConnection,
): Promise<string | null> {
  const input = { method: 'POST', path, body, timeout_ms: TIMEOUT_MS, retries: 0 } as const
  const connection = toWire('connection', source.connection_id ?? '')
  const report = await makeCall(app, actorOf(source), connection, input).catch((cause: unknown) => {
    throw unverifiable(app, source, cause instanceof Error ? cause.message : String(cause), cause)
  })
  const answer = rawMember(report, 'body') ?? ''
  const state = textMember(report, 'state')
  if (state === 'succeeded') return answer
  if (state === 'refused' && answer.includes(unknown)) return null
  throw unverifiable(app, source, textMember(report, 'error') ?? 'the vendor gave no key')
}

function unverifiable(
  app: App,
  { provider, wire_id }: ActiveSource,
  because: string,
  cause?: unknown,
): Problem {
  app.telemetry.count('trilho_inbound_messages_total', { provider: provider.id, result: 'unverified' })
  app.log.warn({ crossing: 'inbound', source: wire_id, because }, 'a message could not be verified for now')
  return new Problem('overloaded', {
    detail: `the message cannot be verified for now, since its key is not to be had (${because}); send it again`,
    retry_after_s: 30,
    cause,
  })
}
