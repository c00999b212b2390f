import Stripe from 'stripe'

/** What Stripe would post of a payment that succeeded, signed by Stripe's own library: `evt_<number>` of `pi_<number>`. */
export function signedPayment(number: string, secret: string) {
  const object = {
    id: `pi_${number}`,
    object: 'payment_intent',
    amount: 15_050,
    amount_received: 15_050,
    currency: 'brl',
    created: 1_767_366_000,
    livemode: false,
    status: 'succeeded',
    last_payment_error: null,
    latest_charge: null,
    metadata: {},
    payment_method_types: ['card'],
  }
  const event = { id: `evt_${number}`, object: 'event', created: 1_767_366_000, livemode: false }
  const body = JSON.stringify({ ...event, type: 'payment_intent.succeeded', data: { object } })
  const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret })
  return { body, headers: { 'content-type': 'application/json', 'stripe-signature': signature } }
}
