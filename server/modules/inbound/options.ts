import Type, { type Static } from 'typebox'
import { type Step, Steps } from '../../kit/mapping/mapping.ts'

/** What a tenant may set about a source beside what its provider asks for. Kept as JSON, read into memory with it. */

const Seconds = (maximum: number, description: string) => Type.Integer({ minimum: 0, maximum, description })

const Order = Type.Object(
  {
    by: Type.Optional(
      Type.Union([Type.Literal('settings'), Type.Literal('provider'), Type.Literal('none')], {
        description:
          '`settings`, unless set: where the settings of the source name an order (`http`). `provider`: also as the provider itself declares (Stripe). `none`: messages are worked on side by side',
      }),
    ),
    gap_timeout_s: Type.Optional(Seconds(86_400, 'How long a missing number is waited for; 30')),
    on_failure: Type.Optional(
      Type.Union([Type.Literal('skip'), Type.Literal('park'), Type.Literal('block')], {
        description:
          'Of a message that fails. `skip`: after `skip_after` attempts it is failed and its entity goes on. `park`: it is set aside after the first. `block`: its entity waits until somebody replays or skips it',
      }),
    ),
    skip_after: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 21, description: 'Attempts; as many as there are, unless set' }),
    ),
  },
  { additionalProperties: false },
)

const Duplicates = Type.Object(
  {
    by: Type.Optional(
      Type.Union([Type.Literal('event_id'), Type.Literal('body'), Type.Literal('fields')], {
        description: 'What copies of one event share; `event_id`: the id that the provider names',
      }),
    ),
    fields: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: 10,
        examples: [['data.order.id', 'data.status']],
        description: 'Of `fields`: places in a JSON body whose values together are the id',
      }),
    ),
    window_hours: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 87_600,
        description:
          'For how long copies are known, within the hour; as long as messages are kept, unless set, and never longer',
      }),
    ),
  },
  { additionalProperties: false },
)

const Response = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 299 })),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }),
        Type.String({ pattern: '^[\\x20-\\x7e]{0,1000}$' }),
        {
          maxProperties: 20,
        },
      ),
    ),
    content_type: Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]{3,100}$' })),
    body: Type.Optional(
      Type.String({
        maxLength: 10_000,
        description: '`{id}` becomes the id of the message, `{status}` received or duplicate',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'What the sender is answered once a message is stored, instead of our JSON',
  },
)

const RateLimit = Type.Object(
  {
    requests: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    per_s: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'The length of the period; 60' }),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Never more in any period of that length, whoever sends; beyond it 429 with Retry-After, before anything is verified. No limit, unless set',
  },
)

const Decisions = Type.Object(
  {
    undecided: Type.Optional(
      Type.Union([Type.Literal('decline'), Type.Literal('approve')], {
        description: 'What is answered where there is no decision in time; decline',
      }),
    ),
    unknown_card: Type.Optional(
      Type.Union([Type.Literal('decline'), Type.Literal('approve')], {
        description: 'Of a card that was not issued through here; decline',
      }),
    ),
    within_ms: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 10_000,
        description: 'How long a decision may take from the arrival on; 1500. Stripe waits for 2000',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Of a sender that waits for a decision, such as Stripe for that on an authorization',
  },
)

/** The highest limit that a source may set. */
export const MOST_QUARANTINED = 100_000

const Method = Type.Union([
  Type.Literal('POST'),
  Type.Literal('PUT'),
  Type.Literal('PATCH'),
  Type.Literal('GET'),
])

export const SourceOptions = Type.Object(
  {
    event_types: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        minItems: 1,
        maxItems: 100,
        examples: [['payment_intent.*', 'charge.refunded']],
        description:
          "The vendor's words that are wanted, `*` at the end for any; the rest is recorded as ignored. What is named and has no event of ours is published by the vendor's own, as it came",
      }),
    ),
    retry_schedule_s: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 604_800 }), {
        maxItems: 20,
        description: 'The wait before each further attempt; 60, 300, 900, 3600, 21600',
      }),
    ),
    order: Type.Optional(Order),
    body_limit_bytes: Type.Optional(
      Type.Integer({
        minimum: 1_024,
        maximum: 67_108_864,
        description:
          'Largest body, compressed or not; 1 MiB. Never more than the installation takes (TRILHO_WEBHOOK_BODY_LIMIT)',
      }),
    ),
    duplicates: Type.Optional(Duplicates),
    allowed_ips: Type.Optional(
      Type.Array(Type.String({ minLength: 2, maxLength: 50 }), {
        minItems: 1,
        maxItems: 200,
        examples: [['54.187.174.169', '2001:db8::/32']],
        description:
          'Addresses and CIDR ranges that may send. Behind a proxy it is the address the proxy saw, where TRILHO_TRUSTED_PROXIES names it',
      }),
    ),
    access_token: Type.Optional(
      Type.Boolean({
        description:
          'Whoever tells it things must show, beside the signature, an access token of the tenant (`POST /oauth/token`) with the scope `webhooks:receive`',
      }),
    ),
    methods: Type.Optional(
      Type.Array(Method, {
        minItems: 1,
        maxItems: 4,
        uniqueItems: true,
        description: 'By which it is told things; POST. By GET the query is the message, read as a form',
      }),
    ),
    rate_limit: Type.Optional(RateLimit),
    filter: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        examples: [{ 'data.object.livemode': true }],
        description: 'As that of a subscription, over the body: what it does not take is recorded as ignored',
      }),
    ),
    mapping: Type.Optional(Steps),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'JSON Schema that a verified body must fit; one that does not is quarantined and answered 422',
      }),
    ),
    response: Type.Optional(Response),
    decisions: Type.Optional(Decisions),
    quarantine_limit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MOST_QUARANTINED,
        description: 'How many refused messages are kept; 1000. Further ones are only counted',
      }),
    ),
    encrypt_bodies: Type.Optional(
      Type.Boolean({ description: 'Bodies are sealed with the key of the tenant before they are stored' }),
    ),
  },
  { additionalProperties: false },
)
export type SourceOptions = Static<typeof SourceOptions>

/** What is named changes as a whole, and null takes it back; the others stay. */
export const UpdateOptions = Type.Object(
  Object.fromEntries(
    Object.entries(SourceOptions.properties).map(([key, schema]) => [
      key,
      Type.Optional(Type.Union([schema, Type.Null()])),
    ]),
  ),
  { additionalProperties: false },
)

/** Each option as it holds: what is set, or what stands for it. */
export type Options = {
  event_types: string[] | null
  retry_schedule_s: number[]
  order: Required<Static<typeof Order>>
  body_limit_bytes: number
  duplicates: { by: 'event_id' | 'body' | 'fields'; fields: string[]; window_hours: number | null }
  allowed_ips: string[] | null
  access_token: boolean
  methods: Static<typeof Method>[]
  rate_limit: Required<Static<typeof RateLimit>> | null
  filter: Record<string, unknown> | null
  mapping: Step[]
  schema: Record<string, unknown> | null
  response: Required<Static<typeof Response>> | null
  decisions: Required<Static<typeof Decisions>>
  quarantine_limit: number
  encrypt_bodies: boolean
}

export const USUAL_BODY_LIMIT = 1_048_576

/** The first attempt is made at once; one more after each of these waits. */
const RETRY_S = [60, 300, 900, 3_600, 21_600]

export function completeOptions(set: SourceOptions): Options {
  const { retry_schedule_s = RETRY_S, order = {}, duplicates = {}, response } = set
  const { body_limit_bytes = USUAL_BODY_LIMIT } = set
  return {
    event_types: set.event_types ?? null,
    retry_schedule_s,
    order: {
      by: 'settings',
      gap_timeout_s: 30,
      on_failure: 'skip',
      skip_after: retry_schedule_s.length + 1,
      ...order,
    },
    body_limit_bytes,
    duplicates: { by: 'event_id', fields: [], window_hours: null, ...duplicates },
    allowed_ips: set.allowed_ips ?? null,
    access_token: set.access_token ?? false,
    methods: set.methods ?? ['POST'],
    rate_limit: set.rate_limit ? { per_s: 60, ...set.rate_limit } : null,
    filter: set.filter ?? null,
    mapping: set.mapping ?? [],
    schema: set.schema ?? null,
    response: response
      ? { status: 200, headers: {}, content_type: 'application/json', body: '', ...response }
      : null,
    decisions: { undecided: 'decline', unknown_card: 'decline', within_ms: 1_500, ...set.decisions },
    quarantine_limit: set.quarantine_limit ?? 1_000,
    encrypt_bodies: set.encrypt_bodies ?? false,
  }
}

/** A null takes an option back; what is not named stays. */
export function changeOptions(
  stored: SourceOptions,
  change: Readonly<Record<string, unknown>>,
): SourceOptions {
  const merged = Object.entries({ ...stored, ...change })
  return Object.fromEntries(merged.filter(([, value]) => value !== null)) as SourceOptions
}

/** Whether a type is on the list; a message without one is on none. */
export const isWanted = ({ event_types }: Options, type: string | null): boolean =>
  event_types === null ||
  event_types.some((one) => (one.endsWith('*') ? type?.startsWith(one.slice(0, -1)) : type === one))
