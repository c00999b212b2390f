import Type, { type Static, type TSchema } from 'typebox'
import type { FieldError } from '../platform/errors.ts'
import { type ApiVersion, versionField } from './api_version.ts'
import type { Identity } from './auth/keys.ts'
import { type ApiKey, type Auth, credentialsOf } from './auth.ts'
import { type Banking, bankingOperations } from './banking.ts'
import type { CacheRules } from './cache.ts'
import type { Rate } from './call_limits.ts'
import { type Cards, cardOperations } from './cards.ts'
import type { Field, Settings } from './fields.ts'
import type { Refusal } from './news.ts'
import { type Payments, paymentOperations } from './payments.ts'
import { registrationOperations } from './registration.ts'
import type { Settles } from './settles.ts'
import { type Transfers, transferOperations } from './transfers.ts'
import type { Transport } from './transports/transport.ts'
import type { ReferencePlace } from './vendor_reference.ts'
import type { Webhooks } from './webhooks.ts'

export type { FirstStep, Handshake, OrderBy, WebhookMessage, WebhookReply, Webhooks } from './webhooks.ts'

/**
 * A provider is a manifest and pure functions: no `async`, no `fetch`, no `try`. URL, authentication, idempotency,
 * timeout, retry, limits, masking and the guard on egress belong to the kit and cannot be escaped.
 */
export type Provider = {
  id: string
  name: string
  category: Category
  /** The vendor's documentation this was written from. */
  docs: string
  /** Absent where each connection brings its own in the setting `base_url`, which wins where it is a field. */
  base_url?: { live: string; test: string }
  fields: readonly Field[]
  /** Where the vendor has versions: which one is asked for, and how. Makes the field `api_version`. */
  api_version?: ApiVersion
  /** What is wrong with settings of which each field by itself is right. */
  faults?(settings: Settings): FieldError[]
  auth: PerSettings<Auth>
  /** Shown beside whatever `auth` is, as gateways before an API want it. */
  second_key?: PerSettings<ApiKey | null>
  /** The credential fields of a certificate that the vendor asks for (mTLS), beside whatever `auth` is. */
  identity?: PerSettings<Identity | null>
  limits: Limits
  /** By which answers its circuit breaker knows that the vendor is in trouble rather than that we are refused. */
  failures?: Failures
  /** Absent: plain HTTP. */
  transport?: Transport
  /** How bodies are written unless a request says otherwise. */
  encoding: 'json' | 'form'
  /** Sent with every request. */
  headers?(settings: Settings): Record<string, string>
  idempotency_header?: PerSettings<string | null>
  /** Gets a UUID of its own with every attempt, which the vendor has to give back: another one is another's answer. */
  mirrored_header?: string
  /** Gets a UUID of its own with every attempt, by which the vendor finds it again when asked; lower case. */
  traced_header?: PerSettings<string | null>
  /** Where its answers say under which id the vendor has the call; the usual headers are looked at where absent. */
  reference?: ReferencePlace
  /** The cheapest read that proves the credentials. */
  test: PerSettings<OperationRequest>
  payments?: Payments
  banking?: Banking
  cards?: Cards
  transfers?: Transfers
  /** By name, `payments.create` among them: everything a call can name. */
  operations: Readonly<Record<string, Operation>>
  webhooks?: Webhooks
  /** Where the vendor answers 2xx to what it refuses: whether this body is such a no. Null where it is no JSON. */
  refuses?(body: unknown): boolean
  /** Where something else than 401 says that what was obtained to be let in is no longer good: whether this does. */
  refuses_token?(status: number, body: unknown, settings: Settings): boolean
  /** Members of requests and answers that no record shows, beside those the kit knows: `card.number`, at any depth. */
  sensitive?: readonly string[]
  /** What a refusing reply says, in our words. */
  refusal?(status: number, body: unknown): Refusal
}

export const CATEGORIES = [
  'payments',
  'banking',
  'messaging',
  'crm',
  'workplace',
  'risk',
  'storage',
  'generic',
] as const
export type Category = (typeof CATEGORIES)[number]

/** Told once, or read from the settings of the connection or source. */
export type PerSettings<T> = T | ((settings: Settings) => T)

export type Limits = {
  requests_per_minute?: number
  requests_per_hour?: number
  /** In other periods, or in bytes. */
  rates?: readonly Rate[]
  /** Of single operations, beside those above. */
  operations?: Readonly<Record<string, readonly Rate[]>>
  timeout_ms: number
}

/** What counts against the vendor beside no answer and a 5xx. `codes` are those of `refusal`. */
export type Failures = { statuses?: readonly number[]; codes?: readonly string[] }

/** What one thing a provider can do takes, asks and gives back. `translate` is pure; some replies do not repeat what was asked. */
export type Operation<Input = unknown, Output = unknown> = {
  input: TSchema
  /** `settings` are those of the connection, with their defaults. */
  request(input: Input, settings: Settings): OperationRequest
  reads: TSchema
  translate(reply: unknown, input: Input): Output
  /** It only reads, whatever its method, and its answers may be kept so; a connection's own policy goes before. */
  cache?: CacheRules
  /** What it takes holds a card and is kept nowhere, not even sealed: it is done now or not at all. */
  unstored?: true
  /** By what its call is found, beside the personal data in it; asked before the call too, when there is no output. */
  external_ids?(input: Input, output: Output | null): (string | null | undefined)[]
  /** How an outcome nobody saw is found out; where absent the call stays `unknown`. */
  settles?: Settles
  /** On our own behalf: with a token of the client, where the connection's own is of somebody's consent. */
  as?: 'client'
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Before the base URL, the authentication and the rest of what the kit adds. */
export type OperationRequest = {
  method: Method
  /** Begins with `/`; joined to the path of the base URL. Written with the tag `path`, which encodes. */
  path: string
  query?: Readonly<Record<string, string | number | boolean | undefined>>
  headers?: Readonly<Record<string, string>>
  body?: unknown
  encoding?: 'json' | 'form'
  /** For each attempt, where the vendor takes its time for this one; as the connection or the provider says. */
  timeout_ms?: number
}

type Definition<Event extends TSchema> = Omit<Provider, 'fields' | 'encoding' | 'operations' | 'webhooks'> & {
  fields?: readonly Field[]
  encoding?: 'json' | 'form'
  operations?: Readonly<Record<string, Operation>>
  webhooks?: Omit<Webhooks<Static<Event>>, 'fields' | 'reads'> & { fields?: readonly Field[]; reads: Event }
}

/** Completes a definition and refuses, at start, one that would only fail later. */
export function defineProvider<Event extends TSchema>(definition: Definition<Event>): Provider {
  const { webhooks, payments, banking, cards, transfers, ...rest } = definition
  const provider: Provider = {
    ...rest,
    fields: withCredentials(
      [
        ...(definition.fields ?? []),
        ...(definition.api_version ? [versionField(definition.api_version)] : []),
      ],
      definition.auth,
    ),
    encoding: definition.encoding ?? 'json',
    operations: {
      ...definition.operations,
      ...paymentOperations(payments),
      ...bankingOperations(banking),
      ...cardOperations(cards),
      ...transferOperations(transfers),
      ...registrationOperations(webhooks?.registration),
    },
    ...(payments && { payments }),
    ...(banking && { banking }),
    ...(cards && { cards }),
    ...(transfers && { transfers }),
    ...(webhooks && { webhooks: { ...webhooks, fields: webhooks.fields ?? [] } as Webhooks }),
  }
  const faults = faultsOf(provider)
  if (faults.length > 0) throw new Error(`provider ${provider.id}: ${faults.join('; ')}`)
  return provider
}

/** A credential that the authentication names and no field describes gets a field of its own. */
function withCredentials(fields: readonly Field[], auth: Provider['auth']): readonly Field[] {
  if (typeof auth === 'function') return fields
  const missing = credentialsOf(auth).filter((key) => !fields.some((field) => field.key === key))
  return [...fields, ...missing.map((key) => ({ key, label: toLabel(key), secret: true, required: true }))]
}

const toLabel = (key: string) => key.charAt(0).toUpperCase() + key.slice(1).replaceAll('_', ' ')

function faultsOf(provider: Provider): string[] {
  const { webhooks, fields } = provider
  const signature = webhooks?.signature
  return [
    !/^[a-z][a-z0-9_]{1,31}$/.test(provider.id) && 'the id is 2 to 32 of a-z, 0-9 and _, a letter first',
    !provider.base_url &&
      !fields.some((field) => field.key === 'base_url') &&
      'it has neither base_url nor a field base_url',
    new Set(fields.map((field) => field.key)).size < fields.length && 'two fields share a key',
    fields.some((field) => field.secret && (field.type ?? 'text') !== 'text') && 'a secret field is text',
    provider.sensitive?.some((path) => !/^[\w-]+(\.[\w-]+)*$/.test(path)) &&
      'a sensitive member is a name, or names joined by dots',
    webhooks &&
      !signature &&
      'its webhooks declare no signature; say { kind: "none", because } where there is none',
    typeof signature === 'object' &&
      signature.kind === 'none' &&
      !signature.because &&
      'an absent signature needs its because',
    ...(provider.payments ? paymentFaults(provider, provider.payments) : []),
  ].filter((fault) => typeof fault === 'string')
}

function paymentFaults(provider: Provider, payments: Payments): (string | false)[] {
  const { settles } = payments
  return [
    !['idempotency_key', 'lookup', 'statement'].includes(settles) &&
      'its payments do not say how an unknown outcome is settled (settles: idempotency_key, lookup or statement)',
    settles === 'idempotency_key' &&
      !provider.idempotency_header &&
      'it settles by idempotency_key but names no idempotency_header',
    settles === 'lookup' &&
      !payments.find_by_reference &&
      'it settles by lookup but has no payments.find_by_reference',
    settles === 'statement' && !payments.statement && 'it settles by statement but has no payments.statement',
  ]
}

type OperationOf<Input, Reads extends TSchema, Output> = {
  request(input: Input, settings: Settings): OperationRequest
  reads: Reads
  translate(reply: Static<Reads>, input: Input): Output
  cache?: CacheRules
  unstored?: true
  external_ids?(input: Input, output: Output | null): (string | null | undefined)[]
  as?: 'client'
}

/** An operation with its own `input` schema; one of `payments` takes the kit's and leaves it out. */
export function operation<Schema extends TSchema, Reads extends TSchema, Output>(
  own: OperationOf<Static<Schema>, Reads, Output> & { input: Schema },
): Operation<Static<Schema>, Output>
export function operation<Input, Reads extends TSchema, Output>(
  own: OperationOf<Input, Reads, Output>,
): Operation<Input, Output>
export function operation(own: OperationOf<unknown, TSchema, unknown> & { input?: TSchema }): Operation {
  return { ...own, input: own.input ?? Type.Unknown() }
}

type Query = NonNullable<OperationRequest['query']>

export const get = (path: string, query: Query = {}): OperationRequest => ({ method: 'GET', path, query })
export const post = (path: string, body?: unknown): OperationRequest => ({ method: 'POST', path, body })
export const put = (path: string, body?: unknown): OperationRequest => ({ method: 'PUT', path, body })
export const patch = (path: string, body?: unknown): OperationRequest => ({ method: 'PATCH', path, body })

/** Encodes what is put in, so that an id can neither leave its place in the path nor begin a query. */
export function path(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return String.raw({ raw: texts.raw }, ...values.map(encodeSegment))
}

function encodeSegment(value: string | number): string {
  const text = encodeURIComponent(String(value).toWellFormed())
  return /^\.{1,2}$/.test(text) ? text.replaceAll('.', '%252E') : text
}

export const perSettings = <T>(value: PerSettings<T>, settings: Settings): T =>
  typeof value === 'function' ? (value as (settings: Settings) => T)(settings) : value

/** What of a provider can be told as JSON: the dashboard's forms, the catalog and the documentation rest on it. */
export function manifest(provider: Provider) {
  const { id, name, category, docs, base_url, fields, auth, limits, operations, webhooks, payments } =
    provider
  return {
    id,
    name,
    category,
    docs,
    base_url: base_url ?? null,
    fields,
    auth: typeof auth === 'function' ? 'per_connection' : auth.kind,
    limits,
    operations: Object.entries(operations).map(([operation, { input }]) => ({ operation, input })),
    settles: payments?.settles ?? null,
    webhooks: webhooks
      ? {
          fields: webhooks.fields,
          signature: signatureKind(webhooks),
          registration: webhooks.registration ? { fields: webhooks.registration.fields } : null,
          catch_up: webhooks.catch_up ? { kept_days: webhooks.catch_up.kept_days } : null,
        }
      : null,
  }
}

const signatureKind = ({ signature }: Webhooks) =>
  typeof signature === 'function' ? 'per_source' : signature.kind
