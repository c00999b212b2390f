import Type, { type Static } from 'typebox'
import type { AuthorizationQuestion } from '../../kit/card_news.ts'
import type { CardRow } from './queries.ts'
import type { RuleRow } from './rule_queries.ts'

/**
 * A tenant's own rules for authorizations, asked after the state of the card and its limits, by position. The first
 * whose conditions all hold decides; where none does it is approved.
 */
const Words = (pattern: string, examples: string[], description: string) =>
  Type.Array(Type.String({ pattern, examples }), {
    minItems: 1,
    maxItems: 300,
    uniqueItems: true,
    description,
  })

export const Conditions = Type.Object(
  {
    above: Type.Optional(
      Type.Object(
        {
          amount: Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$', examples: ['100000'] }),
          currency: Type.String({ pattern: '^[A-Z]{3}$', examples: ['BRL'] }),
        },
        {
          additionalProperties: false,
          description: 'More than this is asked for at once, in minor units; of cards in that currency',
        },
      ),
    ),
    categories: Type.Optional(
      Words('^[a-z0-9_]{1,100}$', ['betting_casino_gambling'], "Of the merchant, in the vendor's words"),
    ),
    category_codes: Type.Optional(Words('^[0-9]{4}$', ['7995'], 'Of the merchant, ISO 18245')),
    countries: Type.Optional(Words('^[A-Z]{2}$', ['US'], 'The merchant is in one of them')),
    outside: Type.Optional(
      Words('^[A-Z]{2}$', ['BR'], 'The merchant is in none of them, or nobody knows where it is'),
    ),
    methods: Type.Optional(
      Words(
        '^[a-z_]{1,40}$',
        ['online'],
        'How the card was shown: online, keyed_in, swipe, chip, contactless',
      ),
    ),
    unauthenticated: Type.Optional(
      Type.Boolean({ description: '3-D Secure did not say that it is the cardholder' }),
    ),
    customers: Type.Optional(
      Words('^[^\\x00]{1,128}$', ['shop-1042'], 'Whose card it is, by your own name for them'),
    ),
    cardholders: Type.Optional(Words('^[A-Za-z0-9_]{1,255}$', ['ich_1Nx'], "The vendor's ids")),
  },
  { additionalProperties: false, description: 'All that are given must hold; none given holds always' },
)
export type Conditions = Static<typeof Conditions>

type Asked = { question: AuthorizationQuestion; card: Pick<CardRow, 'customer' | 'cardholder'> }

/** The first that fits; undefined where none does. */
export const firstFitting = (rules: readonly RuleRow[], asked: Asked): RuleRow | undefined =>
  rules.find(
    ({ state, conditions, up_to }) =>
      state === 'enabled' &&
      (up_to === null || up_to.currency === asked.question.asked.currency) &&
      fits(conditions, asked),
  )

/** How much of what is asked for a rule approves; null: nothing. */
export function approvedBy(
  { action, up_to }: Pick<RuleRow, 'action' | 'up_to'>,
  { asked, takes_part = false }: AuthorizationQuestion,
): string | null {
  if (action === 'decline') return null
  if (up_to === null || BigInt(asked.amount) <= BigInt(up_to.amount)) return asked.amount
  return takes_part ? up_to.amount : null
}

export function fits(conditions: Conditions, { question, card }: Asked): boolean {
  const { asked, authorization } = question
  const { merchant, method, verification } = authorization
  const isIn = (words: string[] | undefined, word: string | null) =>
    words === undefined || (word !== null && words.includes(word))
  const { above, outside, unauthenticated } = conditions
  return (
    (above === undefined ||
      (above.currency === asked.currency && BigInt(asked.amount) > BigInt(above.amount))) &&
    isIn(conditions.categories, merchant.category) &&
    isIn(conditions.category_codes, merchant.category_code) &&
    isIn(conditions.countries, merchant.country) &&
    (outside === undefined || merchant.country === null || !outside.includes(merchant.country)) &&
    isIn(conditions.methods, method) &&
    (unauthenticated === undefined ||
      (verification.three_d_secure !== 'authenticated') === unauthenticated) &&
    isIn(conditions.customers, card.customer) &&
    isIn(conditions.cardholders, card.cardholder)
  )
}
