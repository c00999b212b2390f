import {
  answerHandshake,
  isMutualTls,
  isSignedIn,
  type Reading,
  readMessage,
  secretHeaders,
} from '../../kit/messages.ts'
import type { WebhookReply } from '../../kit/provider.ts'
import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss, once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { indexerOf } from '../events/events.ts'
import { noteSource } from '../metrics/metrics.ts'
import { refuseWithoutToken } from './access_token.ts'
import { checkBody } from './bodies.ts'
import { answerQuestion } from './decisions.ts'
import { refusePlain, refuseUnread, schemaFault, within } from './guards.ts'
import { judgeAt, proofOf } from './judge.ts'
import { ANY_BODY, blinded, changedKey, identityOf, laneOf } from './keys.ts'
import { queryOf, refuseMethod, toContent } from './methods.ts'
import type { Options } from './options.ts'
import { findFirsts, insertMessages, type NewMessage } from './queries.ts'
import { refuseTooMany } from './rate.ts'
import { noteArrival, quarantine, type Refusal, tellRefused, turnAway } from './refusals.ts'
import { sealBody } from './sealing.ts'
import { findDefaults } from './source_queries.ts'
import { type ActiveSource, findActiveSource, pathOf } from './sources.ts'

/** What came to the door: the bytes and who brought them. */
export type Arrival = {
  method: string
  /** Path and query as they were called: some senders sign them. */
  path: string
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  ip: string | null
  /** Whether a proxy that is trusted handed it on. */
  behind_proxy?: boolean
  /** Whether it came without TLS, as far as a proxy that is trusted knows. */
  is_plain?: boolean
  /** By what it verified, in words. */
  proof?: string
}

export type Received = { status: 'received' | 'duplicate'; id: string }

/**
 * Takes a webhook in: verified over its bytes, and answered only after the commit that holds the message and its
 * work. A copy of an event that came before is answered with the first one's id. What does not verify is kept in
 * quarantine with the reason and answered 401. What only tries the address is answered and not stored.
 */
export async function receive(
  app: App,
  provider: string,
  source_id: string,
  arrival: Arrival,
): Promise<Received | WebhookReply> {
  const began = app.clock.monotonic()
  const source = await findSourceAt(app, provider, source_id)
  refusePlain(app, source, arrival)
  refuseMethod(app, source, arrival.method)
  const { access_token, rate_limit, response } = source.options
  refuseUnread(app, source, arrival)
  if (rate_limit) await refuseTooMany(app, source, rate_limit, arrival.ip)
  if (access_token) await refuseWithoutToken(app, source, arrival)
  checkBody(app, source, arrival)
  const now = app.clock.now()
  const verdict = await judgeAt(app, source, arrival, now)
  const { challenge, reply } = source.provider.webhooks ?? {}
  // What is told by GET and verifies is no handshake; what is tried by GET need not verify.
  const answer = challenge && verdict.ok === (arrival.method !== 'GET') && handshakeOf(app, source, arrival)
  if (answer) return answer
  if (!verdict.ok) {
    const refusal = { ...verdict, code: 'signature_refused', result: 'quarantined' } as const
    throw await quarantine(app, source, arrival, refusal)
  }
  const content = { ...toContent(source, arrival), proof: proofOf(source, verdict) }
  const fault = schemaFault(source, content)
  if (fault !== null) throw await quarantine(app, source, content, misfit(fault))
  const reading = readArrival(source, content)
  const message = toMessage(app, source, content, reading)
  const received = await within(app, arrival.body.length, () => keepMessage(app, source, message))
  const decided = await answerQuestion(app, source, { ...content, whole: reading.whole }, received.id, began)
  if (decided) return decided
  return response ? ownReply(response, received) : (reply ?? received)
}

/** The reason of what was verified as it came: nothing but the schema keeps it out. */
export const MISFIT = 'schema_mismatch'

const misfit = (fault: string): Refusal => ({
  reason: MISFIT,
  detail: `the body does not fit the schema of the source: ${fault}`,
  code: 'schema_mismatch',
  result: 'schema_mismatch',
})

/** As the source wants it; the message's id and status where it asks for them. */
function ownReply(
  { status, content_type, headers, body }: NonNullable<Options['response']>,
  received: Received,
): WebhookReply {
  const text = body.replaceAll('{id}', received.id).replaceAll('{status}', received.status)
  return { status, content_type, headers, body: text }
}

/** Answers a vendor that tries the address with GET or HEAD; at a source that is told things by GET, also takes those in. */
export async function greet(
  app: App,
  provider: string,
  source_id: string,
  arrival: Arrival,
): Promise<Received | WebhookReply> {
  const source = await findSourceAt(app, provider, source_id)
  refusePlain(app, source, arrival)
  const is_told = arrival.method === 'GET' && source.options.methods.includes('GET')
  const answer = is_told ? null : handshakeOf(app, source, arrival)
  return answer ?? receive(app, provider, source_id, arrival)
}

function handshakeOf(app: App, source: ActiveSource, { method, path, headers, body }: Arrival) {
  const { provider, settings, secrets, wire_id } = source
  const query = Object.fromEntries(new URLSearchParams(queryOf(path)))
  const answer = answerHandshake(provider, { method, query, headers, body, settings, secrets })
  if (answer) app.log.info({ crossing: 'inbound', source: wire_id, status: answer.status }, 'handshake')
  return answer
}

const readArrival = ({ provider, settings }: ActiveSource, { headers, body }: Arrival): Reading =>
  readMessage(provider, { headers, body, settings })

/** Answers after the commit that holds the message and its work. */
export function store(app: App, source: ActiveSource, arrival: Arrival): Promise<Received> {
  const content = toContent(source, arrival)
  return keepMessage(app, source, toMessage(app, source, content, readArrival(source, content)))
}

/** One that the vendor kept and was asked for: as its webhook, but for the bytes, by which copies of it are not told. */
export const storeKept = (app: App, source: ActiveSource, body: Buffer): Promise<Received> => {
  const headers = {
    'content-type': 'application/json',
    ':kept': 'by the vendor',
    ':verified': 'the list of the vendor',
  }
  const path = pathOf(source.provider.id, source.wire_id)
  const arrival = { method: 'POST', path, headers, body, ip: null }
  const message = toMessage(app, source, arrival, readArrival(source, arrival))
  return keepMessage(app, source, { ...message, fingerprint: ANY_BODY })
}

const isSameBody = (a: Buffer, b: Buffer): boolean => a.equals(b) || a.equals(ANY_BODY) || b.equals(ANY_BODY)

async function keepMessage(app: App, source: ActiveSource, plain: NewMessage): Promise<Received> {
  const provider = source.provider.id
  const message = source.options.encrypt_bodies ? await sealed(app, plain) : plain
  const first_id = await ingest(app).add(message).catch(rethrow)
  const result = first_id === message.id ? 'received' : 'duplicate'
  app.telemetry.count('trilho_inbound_messages_total', {
    provider,
    result: result === 'received' ? 'accepted' : result,
  })
  if (result === 'received') {
    app.db.notify('trilho_inbox', 'new')
    const { tenant_id, id: source_id } = source
    noteSource(app, { tenant_id, source_id, outcome: result, at: timeOfId(first_id) })
  } else noteArrival(app, source, result)
  return { status: result, id: toWire('message', first_id) }
}

const sealed = async (app: App, message: NewMessage): Promise<NewMessage> =>
  sealBody(app, blinded(message, await indexerOf(app, message.tenant_id)))

async function findSourceAt(app: App, provider: string, source_id: string): Promise<ActiveSource> {
  const source = await findActiveSource(app, source_id)
  if (!source || source.provider.id !== provider) {
    tellRefused(app, 'none', 'unknown_source')
    throw new Problem('not_found', { detail: 'no source has this address; compare it with GET /v1/sources' })
  }
  if (source.state === 'disabled') {
    turnAway(app, source, 'disabled')
    throw new Problem('not_found', {
      detail: 'this source is disabled; enable it with PATCH /v1/sources/{id}',
    })
  }
  return source
}

/** `POST /webhooks/{provider}`: the one default source of that provider, where there is just one. */
export async function defaultSource(app: App, provider: string): Promise<string> {
  const [only, ...more] = await findDefaults(app.db.app, provider)
  if (only && more.length === 0) return toWire('source', only.id)
  throw new Problem('not_found', {
    detail: only
      ? `several tenants have a default ${provider} source; post to the full address, /webhooks/${provider}/src_…`
      : `no source is the default for ${provider}; post to the full address, /webhooks/${provider}/src_…`,
  })
}

function toMessage(app: App, source: ActiveSource, arrival: Arrival, reading: Reading): NewMessage {
  return {
    tenant_id: source.tenant_id,
    id: app.newId(),
    source_id: source.id,
    ...identityOf(source, reading, arrival),
    headers: keptHeaders(source, arrival),
    body: arrival.body,
    ...laneOf(source, reading),
  }
}

/**
 * What is needed to verify and read the message again, without the credentials of whoever passed it on, nor those
 * that are the signature. Where it was called by another path or with a query, that stands under `:path`, another method
 * than POST under `:method`, who sent it under `:ip`, by what it verified under `:verified`; that a trusted proxy handed it on, where it verifies by that, under `:proxy`. No sender can send such names.
 */
export function keptHeaders(
  { provider, settings, options, wire_id }: ActiveSource,
  { method, headers, path, ip, behind_proxy, proof }: Arrival,
): string {
  const { authorization, cookie: _cookie, ...kept } = headers
  const is_token = options.access_token // ours, which that header holds then
  if (authorization && !is_token && isSignedIn(provider, settings, 'authorization'))
    kept['authorization'] = authorization
  if (ip !== null) kept[':ip'] = ip
  if (proof !== undefined) kept[':verified'] = proof
  if (method !== 'POST') kept[':method'] = method
  if (path !== pathOf(provider.id, wire_id)) kept[':path'] = path
  if (behind_proxy && isMutualTls(provider, settings)) kept[':proxy'] = 'trusted'
  if (kept[':client-certificate'] && !isMutualTls(provider, settings)) delete kept[':client-certificate']
  for (const name of secretHeaders(provider, settings)) delete kept[name]
  return JSON.stringify(kept)
}

/** A message that was kept, as it arrived. */
export function keptArrival(
  source: ActiveSource,
  kept: { headers: string; body: Buffer; ip: string | null },
) {
  const headers = JSON.parse(kept.headers) as Record<string, string>
  const path = headers[':path'] ?? pathOf(source.provider.id, source.wire_id)
  const behind_proxy = headers[':proxy'] === 'trusted'
  return { method: headers[':method'] ?? 'POST', path, headers, body: kept.body, ip: kept.ip, behind_proxy }
}

const ingest = once((app: App) =>
  createBatch<NewMessage, string>({
    size: 128,
    parallel: 1, // what waits for a commit fills the next batch: 64 rows at once cost half of 16 at once
    flush: (messages) => insertAll(app, messages),
    isFinal: isConnectionLoss,
  }),
)

/** For each message the id of the first of its event: its own where it is the first. */
async function insertAll(app: App, messages: NewMessage[]): Promise<string[]> {
  const lost = await insertMessages(app.db.ingest, messages)
  if (lost.size === 0) return messages.map((message) => message.id)
  const copies = messages.filter((message) => lost.has(message.id))
  const first_of = await firstsOf(app, copies)
  return messages.map((message) => first_of.get(message.id) ?? message.id)
}

/** The message that each copy is answered with: the first of its event, or, of a body that differs, of that body. */
async function firstsOf(app: App, copies: NewMessage[]): Promise<Map<string, string>> {
  const first_of = new Map<string, string>()
  const changed: NewMessage[] = []
  const firsts = await findFirsts(app.db.ingest, copies)
  copies.forEach((copy, at) => {
    const first = firsts[at]
    if (!first) throw new Error('a message neither won nor lost its event key')
    if (isSameBody(first.fingerprint, copy.fingerprint)) first_of.set(copy.id, first.message_id)
    else changed.push({ ...copy, event_key: changedKey(copy) })
  })
  if (changed.length === 0) return first_of
  const lost = await insertMessages(app.db.ingest, changed, 'changed')
  const again = changed.filter((message) => lost.has(message.id))
  for (const [at, first] of (await findFirsts(app.db.ingest, again)).entries()) {
    first_of.set(again[at]?.id ?? '', first?.message_id ?? '')
  }
  return first_of
}

const rethrow = (error: unknown): never => {
  if (!isConnectionLoss(error)) throw error
  throw new Problem('overloaded', {
    detail: 'the message could not be stored; send it again',
    retry_after_s: 5,
    cause: error,
  })
}
