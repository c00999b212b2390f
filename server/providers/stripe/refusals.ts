import type { Refusal, RefusalReason } from '../../kit/news.ts'
import { read, words } from '../../kit/reads.ts'
import { ErrorBody, type PaymentError } from './wire.ts'

/** docs.stripe.com/declines/codes, docs.stripe.com/error-codes and docs.stripe.com/api/errors, in our words. */
const BY_DECLINE_CODE = words<RefusalReason>({
  authentication_not_handled: 'authentication_required',
  authentication_required: 'authentication_required',
  call_issuer: 'card_declined',
  card_not_supported: 'card_unsupported',
  card_velocity_exceeded: 'limit_exceeded',
  currency_not_supported: 'card_unsupported',
  do_not_honor: 'card_declined',
  do_not_try_again: 'card_declined',
  duplicate_transaction: 'duplicate',
  expired_card: 'card_expired',
  fraudulent: 'fraud_suspected',
  generic_decline: 'card_declined',
  incorrect_address: 'card_incorrect',
  incorrect_cvc: 'card_incorrect',
  incorrect_number: 'card_incorrect',
  incorrect_pin: 'card_incorrect',
  incorrect_zip: 'card_incorrect',
  insufficient_funds: 'insufficient_funds',
  invalid_account: 'card_incorrect',
  invalid_amount: 'amount_invalid',
  invalid_cvc: 'card_incorrect',
  invalid_expiry_month: 'card_incorrect',
  invalid_expiry_year: 'card_incorrect',
  invalid_number: 'card_incorrect',
  invalid_pin: 'card_incorrect',
  issuer_not_available: 'vendor_unavailable',
  lost_card: 'card_lost_or_stolen',
  merchant_blacklist: 'fraud_suspected',
  new_account_information_available: 'card_declined',
  no_action_taken: 'card_declined',
  not_permitted: 'not_permitted',
  offline_pin_required: 'authentication_required',
  online_or_offline_pin_required: 'authentication_required',
  pickup_card: 'card_lost_or_stolen',
  pin_try_exceeded: 'limit_exceeded',
  processing_error: 'vendor_unavailable',
  reenter_transaction: 'card_declined',
  restricted_card: 'card_lost_or_stolen',
  revocation_of_all_authorizations: 'card_declined',
  revocation_of_authorization: 'card_declined',
  security_violation: 'card_declined',
  service_not_allowed: 'card_unsupported',
  stolen_card: 'card_lost_or_stolen',
  stop_payment_order: 'card_declined',
  testmode_decline: 'card_declined',
  transaction_not_allowed: 'card_unsupported',
  try_again_later: 'card_declined',
  withdrawal_count_limit_exceeded: 'limit_exceeded',
})

const BY_CODE = words<RefusalReason>({
  amount_too_large: 'amount_invalid',
  amount_too_small: 'amount_invalid',
  api_key_expired: 'credentials_refused',
  authentication_required: 'authentication_required',
  balance_insufficient: 'insufficient_funds',
  card_declined: 'card_declined',
  charge_already_captured: 'state_conflict',
  charge_already_refunded: 'state_conflict',
  charge_disputed: 'state_conflict',
  charge_exceeds_source_limit: 'limit_exceeded',
  charge_expired_for_capture: 'state_conflict',
  expired_card: 'card_expired',
  idempotency_key_in_use: 'state_conflict',
  incorrect_cvc: 'card_incorrect',
  incorrect_number: 'card_incorrect',
  incorrect_zip: 'card_incorrect',
  insufficient_funds: 'insufficient_funds',
  invalid_charge_amount: 'amount_invalid',
  invalid_cvc: 'card_incorrect',
  invalid_expiry_month: 'card_incorrect',
  invalid_expiry_year: 'card_incorrect',
  invalid_number: 'card_incorrect',
  lock_timeout: 'state_conflict',
  payment_intent_authentication_failure: 'authentication_required',
  payment_intent_unexpected_state: 'state_conflict',
  processing_error: 'vendor_unavailable',
  rate_limit: 'rate_limited',
  resource_missing: 'not_found',
})

const BY_TYPE = words<RefusalReason>({
  api_error: 'vendor_unavailable',
  card_error: 'card_declined',
  idempotency_error: 'duplicate',
  invalid_request_error: 'invalid_request',
})

const BY_STATUS = words<RefusalReason>({
  401: 'credentials_refused',
  403: 'not_permitted',
  404: 'not_found',
  429: 'rate_limited',
})

export function toFailure({ type, code, decline_code, message }: PaymentError, status = 0): Refusal {
  const known = [BY_DECLINE_CODE[decline_code ?? ''], BY_CODE[code ?? ''], BY_STATUS[status], BY_TYPE[type]]
  return {
    reason: known.find((reason) => reason !== undefined) ?? 'unknown',
    code: decline_code ?? code ?? type,
    message: message ?? null,
  }
}

export function toRefusal(status: number, body: unknown): Refusal {
  const reply = read(ErrorBody, body)
  if (reply.ok) return toFailure(reply.value.error, status)
  return { reason: BY_STATUS[status] ?? 'unknown', code: null, message: null }
}
