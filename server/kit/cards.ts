import Type, { type Static, type TSchema } from 'typebox'
import type { VendorAuthorization, VendorCard } from './card_news.ts'
import { refuseCardNumbers } from './card_numbers.ts'
import type { Operation } from './provider.ts'

/**
 * What an issuer of cards can be asked, the same words for every vendor. No card number is among them, and a PIN only
 * as its holder encrypted it for the vendor.
 */
const closed = { additionalProperties: false } as const
const VendorId = Type.String({ minLength: 1, maxLength: 255, description: "The vendor's id of it" })
const Reference = Type.String({ minLength: 1, maxLength: 200, description: 'Ours, given back by the vendor' })

const Categories = Type.Array(Type.String({ pattern: '^[a-z0-9_]{1,100}$', examples: ['gas_stations'] }), {
  maxItems: 300,
  uniqueItems: true,
  description: "The vendor's words for kinds of merchants",
})
const Countries = Type.Array(Type.String({ pattern: '^[A-Z]{2}$', examples: ['BR'] }), {
  maxItems: 250,
  uniqueItems: true,
  description: 'ISO 3166, of the merchant',
})

export const INTERVALS = ['per_authorization', 'daily', 'weekly', 'monthly', 'yearly', 'all_time'] as const
export type Interval = (typeof INTERVALS)[number]

const SpendingLimit = Type.Object(
  {
    amount: Type.String({
      pattern: '^[1-9][0-9]{0,14}$',
      examples: ['50000'],
      description: "Minor units of the card's currency",
    }),
    interval: Type.Unsafe<Interval>({
      ...Type.Union(INTERVALS.map((one) => Type.Literal(one))),
      description: 'By the calendar of UTC; weeks begin on Sunday',
    }),
    categories: Type.Optional(Categories),
  },
  closed,
)

/** Absent lists say nothing. What is blocked and what is allowed cannot both be listed. */
export const CardLimits = Type.Object(
  {
    spending: Type.Optional(Type.Array(SpendingLimit, { maxItems: 50 })),
    allowed_categories: Type.Optional(Categories),
    blocked_categories: Type.Optional(Categories),
    allowed_countries: Type.Optional(Countries),
    blocked_countries: Type.Optional(Countries),
  },
  closed,
)
export type CardLimits = Static<typeof CardLimits>
export type SpendingLimit = Static<typeof SpendingLimit>

const Line = Type.String({ minLength: 1, maxLength: 200 })
export const Address = Type.Object(
  {
    line1: Line,
    line2: Type.Optional(Line),
    city: Line,
    state: Type.Optional(Line),
    postal_code: Type.String({ minLength: 1, maxLength: 20 }),
    country: Type.String({ pattern: '^[A-Z]{2}$', examples: ['BR'] }),
  },
  closed,
)

/** Where a physical card is sent. */
export const Shipping = Type.Object(
  {
    name: Line,
    address: Address,
    phone_number: Type.Optional(Type.String({ minLength: 3, maxLength: 30 })),
    service: Type.Optional(
      Type.Union([Type.Literal('standard'), Type.Literal('express'), Type.Literal('priority')]),
    ),
  },
  closed,
)
export type Shipping = Static<typeof Shipping>

export const CreateCardholder = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 24, description: 'As it is printed on the card' }),
    kind: Type.Optional(Type.Union([Type.Literal('individual'), Type.Literal('company')])),
    first_name: Type.Optional(Line),
    last_name: Type.Optional(Line),
    email: Type.Optional(Type.String({ maxLength: 200 })),
    phone_number: Type.Optional(Type.String({ maxLength: 30 })),
    address: Address,
    reference: Type.Optional(Reference),
  },
  closed,
)
export type CreateCardholder = Static<typeof CreateCardholder>

const REPLACEMENT_REASONS = ['lost', 'stolen', 'damaged', 'expired'] as const
export type ReplacementReason = (typeof REPLACEMENT_REASONS)[number]
export const ReplacementReason = Type.Unsafe<ReplacementReason>(
  Type.Union(REPLACEMENT_REASONS.map((reason) => Type.Literal(reason))),
)

export const IssueCard = Type.Object(
  {
    reference: Reference,
    cardholder: VendorId,
    kind: Type.Union([Type.Literal('virtual'), Type.Literal('physical')]),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    active: Type.Optional(Type.Boolean({ description: 'At once; false unless said otherwise' })),
    limits: Type.Optional(CardLimits),
    shipping: Type.Optional(Shipping),
    replaces: Type.Optional(
      Type.Object(
        { vendor_id: VendorId, reason: ReplacementReason },
        { additionalProperties: false, description: 'The card it is issued in place of' },
      ),
    ),
    metadata: Type.Optional(Type.Record(Type.String({ maxLength: 40 }), Type.String({ maxLength: 500 }))),
  },
  closed,
)
export type IssueCard = Static<typeof IssueCard>

export const FindCard = Type.Object({ vendor_id: VendorId }, closed)
export type FindCard = Static<typeof FindCard>

/** With whom it was issued to and when, by which it is looked for, page by page where the vendor lists many. */
export const FindCardByReference = Type.Object(
  {
    reference: Reference,
    cardholder: VendorId,
    from: Type.String({ maxLength: 30 }),
    after: Type.Optional(Type.String({ maxLength: 255, description: '`next` of the page before' })),
  },
  closed,
)
export type FindCardByReference = Static<typeof FindCardByReference>

/** One page of what was looked through: without a card there may be one on the `next`, and only where that is null there is none. */
export type LookedThrough = { card: VendorCard | null; next: string | null }

/** As it is to be from now on: done twice it is the same. */
export const UpdateCard = Type.Object(
  {
    vendor_id: VendorId,
    status: Type.Optional(
      Type.Union([Type.Literal('active'), Type.Literal('inactive'), Type.Literal('canceled')]),
    ),
    reason: Type.Optional(Type.String({ maxLength: 40, description: 'lost, stolen …' })),
    limits: Type.Optional(CardLimits),
    currency: Type.Optional(
      Type.String({ pattern: '^[A-Z]{3}$', description: "The card's, in which the limits are" }),
    ),
  },
  closed,
)
export type UpdateCard = Static<typeof UpdateCard>

/** JWE in its compact form, by the key that the vendor gives to who holds the card: five parts, JSON first, never digits alone. */
export const EncryptedPin = Type.String({
  pattern: '^ey[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
  maxLength: 5000,
  examples: ['eyJhbGciOiJSU0EtT0FFUCJ9.a2V5.aXY.dGV4dA.dGFn'],
  description: 'The PIN as a compact JWE, encrypted under the key of the vendor',
})
export const SetPin = Type.Object({ vendor_id: VendorId, encrypted_pin: EncryptedPin }, closed)
export type SetPin = Static<typeof SetPin>

export const FindAuthorization = Type.Object({ vendor_id: VendorId }, closed)
export type FindAuthorization = Static<typeof FindAuthorization>

/**
 * An outcome of `issue` that nobody saw is settled by the same request under its idempotency key, and later by
 * `find_by_reference`.
 */
export type Cards = {
  /** Kinds of cards it issues. */
  kinds: readonly ('virtual' | 'physical')[]
  create_cardholder?: Operation<CreateCardholder, { vendor_id: string; status: string }>
  issue: Operation<IssueCard, VendorCard>
  /** Null: the vendor has none such. */
  find: Operation<FindCard, VendorCard | null>
  find_by_reference: Operation<FindCardByReference, LookedThrough>
  update: Operation<UpdateCard, VendorCard>
  set_pin?: Operation<SetPin, VendorCard>
  find_authorization?: Operation<FindAuthorization, VendorAuthorization | null>
}

export type CardVerb = Exclude<keyof Cards, 'kinds'>

const INPUTS: Record<CardVerb, TSchema> = {
  create_cardholder: CreateCardholder,
  issue: IssueCard,
  find: FindCard,
  find_by_reference: FindCardByReference,
  update: UpdateCard,
  set_pin: SetPin,
  find_authorization: FindAuthorization,
}

/** What an issuer can do, as operations: `cards.issue` and the like. None takes a card number in any place. */
export function cardOperations(cards: Cards | undefined): Record<string, Operation> {
  const named: Record<string, Operation> = {}
  for (const verb of Object.keys(INPUTS) as CardVerb[]) {
    const found = cards?.[verb] as Operation | undefined
    if (found) named[`cards.${verb}`] = { ...found, ...guarded(found), input: INPUTS[verb] }
  }
  return named
}

const guarded = ({
  request,
  external_ids = cardIds,
}: Operation): Pick<Operation, 'request' | 'external_ids'> => ({
  external_ids,
  request: (input, settings) => {
    refuseCardNumbers(input)
    return request(input, settings)
  },
})

type CardIds = { vendor_id?: string; reference?: string; cardholder?: string | null }

/** By what a call about a card is found, of what is asked and what came of it. */
const cardIds = (input: unknown, output: unknown): (string | null | undefined)[] =>
  [input, output, (output as Partial<LookedThrough> | null)?.card].flatMap((side) => {
    const { vendor_id, reference, cardholder } = (side ?? {}) as CardIds
    return [vendor_id, reference, cardholder]
  })
