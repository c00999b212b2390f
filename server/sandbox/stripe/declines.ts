/** Stripe's own test cards: docs.stripe.com/testing#declined-payments. */
const DECLINES: Record<string, { code: string; decline_code: string; message: string }> = {
  '': { code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' },
  InsufficientFunds: {
    code: 'card_declined',
    decline_code: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  },
  LostCard: { code: 'card_declined', decline_code: 'lost_card', message: 'Your card was declined.' },
  StolenCard: { code: 'card_declined', decline_code: 'stolen_card', message: 'Your card was declined.' },
  FraudulentDecline: {
    code: 'card_declined',
    decline_code: 'fraudulent',
    message: 'Your card was declined.',
  },
  VelocityLimitExceeded: {
    code: 'card_declined',
    decline_code: 'card_velocity_exceeded',
    message:
      'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  },
  ExpiredCard: { code: 'expired_card', decline_code: 'expired_card', message: 'Your card has expired.' },
  IncorrectCvc: {
    code: 'incorrect_cvc',
    decline_code: 'incorrect_cvc',
    message: "Your card's security code is incorrect.",
  },
  ProcessingError: {
    code: 'processing_error',
    decline_code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
}

export type Decline = { code: string; decline_code: string; message: string }

/** What a test payment method says the issuer will answer; null is a yes. */
export function declineOf(method: string): Decline | null {
  const match = /[cC]hargeDeclined(\w*)$/.exec(method)
  if (!match) return null
  return DECLINES[match[1] ?? ''] ?? (DECLINES[''] as Decline)
}
