import Type from 'typebox'
import type { EventType } from './catalog.ts'

/** The types of events about cards. None ever holds a number of a card. */

const Money = Type.Object({
  amount: Type.String({ description: 'Minor units: 15050 is R$ 150,50' }),
  currency: Type.String({ description: 'ISO 4217' }),
})
const Text = Type.Union([Type.String(), Type.Null()])
const WHOSE = { provider: Type.String({ description: 'Provider id' }), connection_id: Type.String() }
const OURS = { provider: 'stripe', connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs' }
const CARD_ID = 'crd_01jz8k3v9mf2tb7xq4c5n6p8rs'

const CardChange = Type.Object({
  ...WHOSE,
  card: Type.Object({
    id: Type.String({ description: 'GET /v1/cards/{id}' }),
    vendor_id: Type.Union([Type.String(), Type.Null()], { description: "The vendor's token of the card" }),
    status: Type.String(),
    reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it is blocked or canceled' }),
    kind: Type.String(),
    cardholder: Type.String(),
    last_four: Text,
  }),
})

const card = (
  what: string,
  description: string,
  status: string,
  reason: string | null = null,
): EventType => ({
  name: `card.${what}`,
  description,
  schema: CardChange,
  example: {
    ...OURS,
    card: {
      id: CARD_ID,
      vendor_id: status === 'failed' ? null : 'ic_1Pgag5B7WZ01zgkW',
      status,
      reason,
      kind: 'virtual',
      cardholder: 'ich_1Pgag4B7WZ01zgkW',
      last_four: status === 'failed' ? null : '4242',
    },
  },
})

const AuthorizationChange = Type.Object({
  ...WHOSE,
  authorization: Type.Object({
    id: Type.String({ description: 'GET /v1/cards/authorizations/{id} has what was decided' }),
    card_id: Type.String(),
    vendor_id: Type.String(),
    status: Type.String(),
    money: Money,
    captured: Money,
    merchant: Type.Object({ name: Text, category: Text, country: Text }),
    three_d_secure: Text,
  }),
})

const authorization = (what: string, status: string, description: string): EventType => ({
  name: `card.authorization_${what}`,
  description,
  schema: AuthorizationChange,
  example: {
    ...OURS,
    authorization: {
      id: 'cau_01jz8k3v9mf2tb7xq4c5n6p8rs',
      card_id: CARD_ID,
      vendor_id: 'iauth_1Pgc77B7WZ01zgkW',
      status,
      money: { amount: '700', currency: 'BRL' },
      captured: { amount: status === 'closed' ? '700' : '0', currency: 'BRL' },
      merchant: { name: 'Rocket Rides', category: 'taxicabs_limousines', country: 'BR' },
      three_d_secure: 'authenticated',
    },
  },
})

const TransactionMade = Type.Object({
  ...WHOSE,
  transaction: Type.Object({
    id: Type.String(),
    card_id: Type.String(),
    authorization_id: Type.Union([Type.String(), Type.Null()], {
      description: 'Null where the merchant did not ask before',
    }),
    vendor_id: Type.String(),
    kind: Type.String(),
    money: Money,
  }),
})

const transaction = (what: string, kind: string, description: string): EventType => ({
  name: `card.transaction_${what}`,
  description,
  schema: TransactionMade,
  example: {
    ...OURS,
    transaction: {
      id: 'ctr_01jz8k3v9mf2tb7xq4c5n6p8rs',
      card_id: CARD_ID,
      authorization_id: 'cau_01jz8k3v9mf2tb7xq4c5n6p8rs',
      vendor_id: 'ipi_1Pgc78B7WZ01zgkW',
      kind,
      money: { amount: '700', currency: 'BRL' },
    },
  },
})

export const CARD_TYPES: readonly EventType[] = [
  card('issued', 'The vendor has made the card', 'inactive'),
  card('failed', 'The vendor did not make the card', 'failed'),
  card('activated', 'The card can be used', 'active'),
  card('blocked', 'The card cannot be used', 'blocked', 'customer'),
  card('unblocked', 'The card can be used again', 'active'),
  card('canceled', 'The card has ended', 'canceled', 'lost'),
  card('limits_changed', 'The card has other limits', 'active'),
  authorization('approved', 'pending', 'Money is held on a card for a merchant'),
  authorization('declined', 'declined', 'A merchant was told no'),
  authorization('closed', 'closed', 'What was held is held no more: it was taken'),
  authorization('reversed', 'reversed', 'The merchant let go what was held'),
  authorization('expired', 'expired', 'What was held was not taken in time'),
  transaction('captured', 'capture', 'A merchant took money'),
  transaction('refunded', 'refund', 'A merchant gave money back'),
]
