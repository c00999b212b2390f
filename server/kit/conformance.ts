import { isDeepStrictEqual } from 'node:util'
import { USER_AGENT } from '../platform/version.ts'
import type { Credentials, Settings } from './fields.ts'
import { isForm } from './forms.ts'
import { readEnvelope, translateMessage, verifyMessage } from './messages.ts'
import { type Operation, type Provider, perSettings } from './provider.ts'
import { inWords } from './reads.ts'
import { readInput, readReply } from './replies.ts'
import { coversBody, type SignatureScheme, usesSecrets, type WebhookHeaders } from './signatures.ts'
import { checkSource } from './source_faults.ts'
import { buildRequest, maskRequest } from './transports/http.ts'

/**
 * What every provider must stand, checked from its fixtures alone: requests as recorded, replies and messages that
 * translate, tomorrow's extra fields, unknown states, and forgeries of every kind. Gives findings; none is well.
 */
export type OperationFixture = {
  name: string
  operation: string
  settings?: Settings
  credentials: Credentials
  token?: string
  input: unknown
  idempotency_key?: string
  request: { method: string; url: string; headers: Record<string, string>; body?: string }
  reply: { status: number; body: unknown }
  result: unknown
  /** Where in the reply the vendor's state stands: `status`. */
  state_at?: string
}

export type WebhookFixture = {
  name: string
  settings?: Settings
  secrets: string[]
  /** When it was signed, RFC 3339. */
  now: string
  /** As it was called, where that is signed too. */
  url?: string
  /** What the vendor publishes to verify it with: the text of each need by its name. */
  fetched?: Record<string, string>
  /** Whether it came through a proxy that is trusted. */
  behind_proxy?: boolean
  /** As recorded, names in lower case. */
  headers: Record<string, string>
  body: string
  /** A part of the body that is signed, where not all of it is. */
  signed_part?: string
  envelope: unknown
  news: unknown
  state_at?: string
}

export type Fixtures = { operations: readonly OperationFixture[]; webhooks: readonly WebhookFixture[] }
export type Finding = { provider: string; fixture: string; rule: string; detail: string }

export function checkConformance(provider: Provider, fixtures: Fixtures): Finding[] {
  const findings: Finding[] = []
  const report = (fixture: string) => (rule: string, fault: string | null) => {
    if (fault !== null) findings.push({ provider: provider.id, fixture, rule, detail: fault })
  }
  report('(all)')('every part has a fixture', missingFixtures(provider, fixtures))
  for (const fixture of fixtures.operations) checkOperation(provider, fixture, report(fixture.name))
  for (const fixture of fixtures.webhooks) checkWebhook(provider, fixture, report(fixture.name))
  return findings
}

type Report = (rule: string, fault: string | null) => void

const UNKNOWN_STATES = ['a_state_nobody_knows', 'constructor']
const TOMORROW = { added_tomorrow: { numbers: [1, '2'], nothing: null } }

function missingFixtures(provider: Provider, { operations, webhooks }: Fixtures): string | null {
  const untold = Object.keys(provider.operations).filter(
    (name) => !operations.some((one) => one.operation === name),
  )
  if (provider.webhooks && webhooks.length === 0) untold.push('webhooks')
  return untold.length === 0 ? null : `no fixture for ${untold.join(', ')}`
}

function checkOperation(provider: Provider, fixture: OperationFixture, report: Report): void {
  const operation = provider.operations[fixture.operation]
  if (!operation) {
    report('the operation exists', `there is no operation ${fixture.operation}`)
    return
  }
  const { settings = {}, credentials, token } = fixture
  const opened = { provider, environment: 'test' as const, settings, credentials, token }
  const input = readInput(operation, fixture.input)
  if (!input.ok) {
    report('the input fits', inWords(input.errors))
    return
  }
  const built = buildRequest(opened, {
    ...operation.request(input.value, settings),
    idempotency_key: fixture.idempotency_key,
  })
  const { method, url, headers, body } = built
  report(
    'the request is as recorded',
    differs(
      { method, url, headers: withoutVersion(headers), ...(body && { body: String(body) }) },
      fixture.request,
    ),
  )
  const shown = JSON.stringify(maskRequest(opened, built))
  const leaks = [...Object.values(credentials), token ?? ''].some(
    (secret) => secret.length > 3 && shown.includes(secret),
  )
  report('no secret in a recorded request', leaks ? `${shown} shows one` : null)
  checkReply(provider, operation, fixture, method, report)
}

/** Recorded by one version, sent by the next. */
const withoutVersion = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  headers['user-agent'] === USER_AGENT ? { ...headers, 'user-agent': 'trilho' } : { ...headers }

function checkReply(
  provider: Provider,
  operation: Operation,
  fixture: OperationFixture,
  method: string,
  report: Report,
) {
  const { status } = fixture.reply
  const resultOf = (reply: unknown) => {
    const outcome = readReply(provider, operation, method, answer(status, reply), fixture.input)
    if (outcome.outcome === 'succeeded') return outcome.data
    return outcome.outcome === 'refused' ? { refusal: outcome.refusal } : outcome
  }
  report('the reply translates', differs(resultOf(fixture.reply.body), fixture.result))
  report(
    'an extra field changes nothing',
    differs(resultOf(withExtraFields(fixture.reply.body)), fixture.result),
  )
  if (fixture.state_at === undefined) return
  for (const state of UNKNOWN_STATES) {
    const unknown = resultOf(withValue(fixture.reply.body, fixture.state_at, state))
    report('an unknown state is pending', isPending(unknown) ? null : `became ${JSON.stringify(unknown)}`)
  }
}

const isPending = (result: unknown) =>
  typeof result === 'object' && result !== null && 'status' in result && result.status === 'pending'

function answer(status: number, reply: unknown) {
  const body = Buffer.from(JSON.stringify(reply) ?? '') // a 204 says nothing
  return {
    kind: 'response' as const,
    status,
    headers: {},
    body,
    truncated: false,
    timing: { first_byte_ms: 1, total_ms: 1 },
  }
}

function checkWebhook(provider: Provider, fixture: WebhookFixture, report: Report): void {
  const { settings = {}, secrets } = fixture
  report('its settings fit', inWords(checkSource(provider, settings, secrets)) || null)
  const received = { headers: fixture.headers, body: Buffer.from(fixture.body), settings }
  report('the envelope is as recorded', differs(readEnvelope(provider, received), fixture.envelope))
  const newsOf = (text: string) => {
    const meaning = translateMessage(provider, { ...received, body: Buffer.from(text) })
    return meaning.ok ? meaning.news : meaning
  }
  report('the message translates', differs(newsOf(fixture.body), fixture.news))
  const is_form = isForm(fixture.headers)
  const parsed: unknown = is_form ? null : JSON.parse(fixture.body)
  const extended = newsOf(
    is_form ? `${fixture.body}&added_tomorrow=1` : JSON.stringify(withExtraFields(parsed)),
  )
  report('an extra field changes nothing', differs(withoutData(extended), withoutData(fixture.news)))
  for (const state of fixture.state_at === undefined ? [] : UNKNOWN_STATES) {
    const unknown = newsOf(JSON.stringify(withValue(parsed, fixture.state_at ?? '', state)))
    const all = Array.isArray(unknown) && unknown.length > 0 && unknown.every((one) => isPending(one.payment))
    report('an unknown state is pending', all ? null : `became ${JSON.stringify(unknown)}`)
  }
  checkSignature(provider, fixture, report)
}

function checkSignature(provider: Provider, fixture: WebhookFixture, report: Report): void {
  const { settings = {}, secrets, headers } = fixture
  const body = Buffer.from(fixture.body)
  const now = new Date(fixture.now)
  const scheme = provider.webhooks && perSettings(provider.webhooks.signature, settings)
  const { url, behind_proxy } = fixture
  const fetched: ReadonlyMap<string, string> = new Map(Object.entries(fixture.fetched ?? {}))
  const given = { headers: headers as WebhookHeaders, body: body as Buffer, secrets }
  const received = { ...given, settings, now, url, behind_proxy, fetched }
  const judge = (change: Partial<typeof received>) => {
    const verified = verifyMessage(provider, { ...received, ...change })
    return verified.ok ? 'accepted' : verified.reason
  }
  const expect = (rule: string, wanted: readonly string[], change: Partial<typeof received>) => {
    const was = judge(change)
    report(rule, wanted.includes(was) ? null : `was ${was}, not ${wanted.join(' or ')}`)
  }
  expect('a genuine message is accepted', ['accepted'], {})
  if (!scheme || scheme.kind === 'none') return
  const changed_byte = changeByte(body, fixture.signed_part)
  if (coversBody(scheme)) expect('a changed byte is refused', ['bad_signature'], { body: changed_byte })
  if (usesSecrets(scheme)) {
    expect('another secret is refused', ['bad_signature', 'no_secret'], { secrets: secrets.map(otherSecret) })
    expect('no secret is refused', ['no_secret'], { secrets: [] })
    const rolled = [...secrets.map(otherSecret), ...secrets]
    expect('a rolled secret is accepted beside the new one', ['accepted'], { secrets: rolled })
  }
  if (fetched.size > 0) expect('without its key there is no verdict', ['no_key'], { fetched: new Map() })
  if (behind_proxy)
    expect('what came around the proxy is refused', ['bad_signature'], { behind_proxy: false })
  const needed = signatureHeaders(headers, (without) => judge({ headers: without }) === 'missing_header')
  if (needed.length > 0) expect('no headers are refused', ['missing_header'], { headers: {} })
  if (needed.length === 0 && url && isAddressed(scheme))
    expect('a bare address is refused', ['missing_header'], { url: url.replace(/[?].*|[/][^/]*$/, '') })
  for (const name of needed) {
    const value = headers[name] ?? ''
    const with_it = (changed: string | string[]) => ({ headers: { ...headers, [name]: changed } })
    expect(`a short ${name} is refused`, REFUSED, with_it(value.slice(0, -4)))
    expect(`a doubled ${name} is refused`, REFUSED, with_it([value, value]))
    // Node joins most headers that come twice. A list of signatures may say the same twice.
    if (name !== 'webhook-signature')
      expect(`a joined ${name} is refused`, REFUSED, with_it(`${value}, ${value}`))
  }
  const later = new Date(now.getTime() + 3_600_000 * 48)
  if (isTimed(scheme))
    expect('an old timestamp is refused as old, not as forged', ['too_old'], { now: later })
}

/** `no_key` too: what names another key is not judged before that was asked for. */
const REFUSED = ['bad_signature', 'malformed', 'too_old', 'missing_header', 'no_key']

const isAddressed = ({ kind }: SignatureScheme) => kind === 'address_token'

function isTimed(scheme: SignatureScheme): boolean {
  if (scheme.kind === 'hmac') return scheme.timestamp_header !== null
  return ['stripe', 'standard_webhooks', 'jwt'].includes(scheme.kind)
}

/** The headers without which a message is refused. */
function signatureHeaders(
  headers: Record<string, string>,
  isNeeded: (without: Record<string, string>) => boolean,
): string[] {
  return Object.keys(headers).filter((name) => {
    const { [name]: _, ...without } = headers
    return isNeeded(without)
  })
}

const otherSecret = (secret: string) =>
  secret.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) => (letter === 'A' ? 'B' : 'A'))

function changeByte(body: Buffer, signed_part = body.toString()): Buffer {
  const changed = Buffer.from(body)
  const at = body.indexOf(signed_part) + Math.floor(Buffer.byteLength(signed_part) / 2)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

/** Null where equal. Compared as JSON, since fixtures are. */
function differs(was: unknown, wanted: unknown): string | null {
  const plain: unknown = was === undefined ? null : JSON.parse(JSON.stringify(was))
  return isDeepStrictEqual(plain, wanted)
    ? null
    : `was ${JSON.stringify(plain)}, not ${JSON.stringify(wanted)}`
}

/** `data` carries the vendor's text on, extra fields and all. */
const withoutData = (news: unknown): unknown =>
  Array.isArray(news) ? news.map(({ data: _, ...rest }: Record<string, unknown>) => rest) : news

function withExtraFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExtraFields)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, member]) => [key, withExtraFields(member)])
  return { ...Object.fromEntries(members), ...TOMORROW }
}

function withValue(value: unknown, place: string, replacement: string): unknown {
  const copy: unknown = structuredClone(value)
  const names = place.split('.')
  const last = names.pop() ?? ''
  let at = copy as Record<string, unknown>
  for (const name of names) at = at[name] as Record<string, unknown>
  at[last] = replacement
  return copy
}
