import { remember } from '../wire.ts'
import { isRefusal, missing, type Refusal, refusal } from './errors.ts'
import { type Form, formOf, readAmount, textOf, unknownParam } from './form.ts'
import { type Charge, type Ledger, MOST, type Refund, seconds, stripeId } from './intents.ts'

export function createRefund(ledger: Ledger, form: Form): Refund | Refusal {
  const stranger = unknownParam(form, ['amount', 'charge', 'metadata', 'payment_intent', 'reason'])
  if (stranger) return stranger
  const found = chargeToRefund(ledger, form)
  if (isRefusal(found)) return found
  const left = found.amount - found.amount_refunded
  const amount = form['amount'] === undefined ? left : readAmount(form)
  if (isRefusal(amount)) return amount
  if (left <= 0) {
    const message = `Charge ${found.id} has already been refunded.`
    return refusal(400, { code: 'charge_already_refunded', message })
  }
  if (amount > left) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`
    return refusal(400, { code: 'amount_too_large', message, param: 'amount' })
  }
  return refund(ledger, found, amount, form)
}

function chargeToRefund(ledger: Ledger, form: Form): Charge | Refusal {
  const intent_id = textOf(form, 'payment_intent')
  const charge_id = intent_id
    ? (ledger.intents.get(intent_id)?.latest_charge ?? null)
    : textOf(form, 'charge')
  if (intent_id && !ledger.intents.has(intent_id))
    return missing('payment_intent', intent_id, 'payment_intent')
  if (!intent_id && !charge_id) {
    return refusal(400, {
      message: 'One of the following params should be provided for this request: payment_intent or charge.',
    })
  }
  const charge = ledger.charges.get(charge_id ?? '')
  if (charge?.captured) return charge
  if (intent_id) {
    const message = `This PaymentIntent (${intent_id}) does not have a successful charge to refund.`
    return refusal(400, { code: 'payment_intent_unexpected_state', message, param: 'payment_intent' })
  }
  return missing('charge', charge_id ?? '', 'charge')
}

function refund(ledger: Ledger, charge: Charge, amount: number, form: Form): Refund {
  const made: Refund = {
    id: stripeId('re'),
    object: 'refund',
    amount,
    balance_transaction: stripeId('txn'),
    charge: charge.id,
    created: seconds(),
    currency: charge['currency'],
    metadata: formOf(form, 'metadata'),
    payment_intent: charge.payment_intent,
    reason: textOf(form, 'reason'),
    status: 'succeeded',
  }
  remember(ledger.refunds, made.id, made, MOST)
  charge.amount_refunded = charge.amount_refunded + amount
  charge.refunded = charge.amount_refunded >= charge.amount
  ledger.tell('refund.created', made)
  ledger.tell('charge.refunded', charge)
  return made
}
