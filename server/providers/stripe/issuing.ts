import type { VendorAuthorization, VendorCard } from '../../kit/card_news.ts'
import type {
  CardLimits,
  Cards,
  CreateCardholder,
  FindCardByReference,
  IssueCard,
  LookedThrough,
  Shipping,
  UpdateCard,
} from '../../kit/cards.ts'
import { get, operation, path, post } from '../../kit/provider.ts'
import { Problem } from '../../platform/errors.ts'
import { minorUnits } from '../../platform/money.ts'
import { toUnits } from './amounts.ts'
import { toAuthorization, toCard } from './issuing_translate.ts'
import { Cardholder, IssuingAuthorization, IssuingCard, IssuingCards } from './issuing_wire.ts'

/** docs.stripe.com/api/issuing. */

const LISTS = {
  allowed_categories: 'allowed_categories',
  blocked_categories: 'blocked_categories',
  allowed_countries: 'allowed_merchant_countries',
  blocked_countries: 'blocked_merchant_countries',
} as const

const limitsOf = ({ spending = [] }: CardLimits, currency: string | undefined) =>
  spending.map(({ amount, interval, categories }) => ({
    amount:
      currency === undefined ? minorUnits(amount, 'limits.spending') : toUnits({ amount, currency }).amount,
    interval,
    ...(categories?.length && { categories }),
  }))

const controls = (limits: CardLimits, currency: string | undefined): Record<string, readonly unknown[]> => ({
  spending_limits: limitsOf(limits, currency),
  ...Object.fromEntries(
    Object.entries(LISTS).map(([ours, theirs]) => [theirs, limits[ours as keyof typeof LISTS] ?? []]),
  ),
})

const filled = (lists: Record<string, readonly unknown[]>) =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))

/** An empty value takes back what was set before. */
const whole = (lists: Record<string, readonly unknown[]>) =>
  Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.length > 0 ? list : '']))

const shippingOf = ({ name, address, phone_number, service }: Shipping) => ({
  name,
  address,
  phone_number,
  service,
})

const issueRequest = ({ reference, cardholder, kind, currency, active, ...more }: IssueCard) =>
  post('/v1/issuing/cards', {
    cardholder,
    type: kind,
    currency: currency.toLowerCase(),
    status: active ? 'active' : 'inactive',
    ...(more.limits && { spending_controls: filled(controls(more.limits, currency)) }),
    shipping: more.shipping && shippingOf(more.shipping),
    replacement_for: more.replaces?.vendor_id,
    replacement_reason: more.replaces?.reason,
    metadata: { ...more.metadata, reference },
  })

/** Stripe knows these two; any other reason stays with us. */
const REASONS = ['lost', 'stolen']

const updateRequest = ({ vendor_id, status, reason, limits, currency }: UpdateCard) =>
  post(path`/v1/issuing/cards/${vendor_id}`, {
    status,
    cancellation_reason:
      status === 'canceled' && reason !== undefined && REASONS.includes(reason) ? reason : undefined,
    ...(limits && { spending_controls: whole(controls(limits, currency)) }),
  })

const cardholderRequest = (holder: CreateCardholder) => {
  const { name, kind = 'individual', first_name, last_name, email, phone_number, address, reference } = holder
  return post('/v1/issuing/cardholders', {
    name,
    type: kind,
    email,
    phone_number,
    billing: { address },
    ...((first_name ?? last_name) !== undefined && { individual: { first_name, last_name } }),
    ...(reference !== undefined && { metadata: { reference } }),
  })
}

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000)
/** Their clock may be behind ours. */
const SLACK_S = 600
/** It is asked for again for a quarter of an hour; what was made after this was not made for it. */
const ASKED_FOR_S = 3_600

/** That it is not on this page does not say that it was never made. */
function madeUnder({ data, has_more }: IssuingCards, { reference }: FindCardByReference): LookedThrough {
  const found = data.find(({ metadata }) => metadata?.reference === reference)
  if (found) return { card: toCard(found), next: null }
  const last = data.at(-1)
  if (has_more && !last)
    throw new Problem('vendor_failed', { detail: 'an empty page is said not to be the last' })
  return { card: null, next: has_more && last ? last.id : null }
}

const now = (authorization: IssuingAuthorization): VendorAuthorization =>
  toAuthorization(authorization, new Date(authorization.created * 1000).toISOString())

export const issuing: Cards = {
  kinds: ['virtual', 'physical'],
  create_cardholder: operation({
    request: cardholderRequest,
    reads: Cardholder,
    translate: ({ id, status }) => ({ vendor_id: id, status }),
  }),
  issue: operation({ request: issueRequest, reads: IssuingCard, translate: toCard }),
  find: operation({
    request: ({ vendor_id }) => get(path`/v1/issuing/cards/${vendor_id}`),
    reads: IssuingCard,
    translate: (card): VendorCard | null => toCard(card),
  }),
  // There is no search of cards: those of the cardholder that were made about then are few.
  find_by_reference: operation({
    request: ({ cardholder, from, after }) =>
      get('/v1/issuing/cards', {
        cardholder,
        'created[gte]': seconds(from) - SLACK_S,
        'created[lt]': seconds(from) + ASKED_FOR_S + SLACK_S,
        starting_after: after,
        limit: 100,
      }),
    reads: IssuingCards,
    translate: madeUnder,
  }),
  update: operation({ request: updateRequest, reads: IssuingCard, translate: toCard }),
  set_pin: {
    ...operation({
      request: ({ vendor_id, encrypted_pin }: { vendor_id: string; encrypted_pin: string }) =>
        post(path`/v1/issuing/cards/${vendor_id}`, { pin: { encrypted_number: encrypted_pin } }),
      reads: IssuingCard,
      translate: toCard,
    }),
    unstored: true,
  },
  find_authorization: operation({
    request: ({ vendor_id }) => get(path`/v1/issuing/authorizations/${vendor_id}`),
    reads: IssuingAuthorization,
    translate: (told): VendorAuthorization | null => now(told),
  }),
}
