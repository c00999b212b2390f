import { json, type SandboxReply } from '../wire.ts'

/** An answer that is a no, in Stripe's shape (docs.stripe.com/api/errors). */
export type Refusal = { refused: true; status: number; error: StripeError }

type StripeError = {
  type: string
  message: string
  code?: string
  decline_code?: string
  param?: string
  payment_intent?: unknown
}

export function refusal(status: number, error: Omit<StripeError, 'type'> & { type?: string }): Refusal {
  return { refused: true, status, error: { type: 'invalid_request_error', ...error } }
}

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value

export const missing = (what: string, id: string, param: string): Refusal =>
  refusal(404, { code: 'resource_missing', message: `No such ${what}: '${id}'`, param })

export function toReply({ status, error }: Refusal): SandboxReply {
  const doc_url = error.code && `https://stripe.com/docs/error-codes/${error.code.replaceAll('_', '-')}`
  return json(status, { error: { ...error, ...(doc_url && { doc_url }) } })
}

/** Basic with the key as user, or Bearer; only test keys, since nothing here is live. */
export function checkKey(authorization: string | undefined): Refusal | null {
  const [scheme, value = ''] = (authorization ?? '').split(' ', 2)
  const key = scheme === 'Basic' ? Buffer.from(value, 'base64').toString().split(':', 1)[0] : value
  if (!key) {
    return refusal(401, {
      message:
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    })
  }
  if (/^(sk|rk)_test_\w+$/.test(key)) return null
  const shown = `${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}`
  return refusal(401, { message: `Invalid API Key provided: ${shown}` })
}
