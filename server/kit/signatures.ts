import { type AddressScheme, verifyAddress } from './signatures/address_and_form.ts'
import { type AddressTokenScheme, verifyAddressToken } from './signatures/address_token.ts'
import { type HmacScheme, verifyHmac } from './signatures/hmac.ts'
import { type JwtScheme, verifyJwt } from './signatures/jwt.ts'
import { type MtlsScheme, verifyMtls } from './signatures/mtls.ts'
import type { Needed } from './signatures/needs.ts'
import { type PayPalScheme, verifyPayPal } from './signatures/paypal.ts'
import { type SnsScheme, verifySns } from './signatures/sns.ts'
import { type StandardScheme, verifyStandard } from './signatures/standard_webhooks.ts'
import { type StripeScheme, verifyStripe } from './signatures/stripe.ts'
import { type TokenScheme, verifyToken } from './signatures/token.ts'
import { refused } from './signatures/verdict.ts'

export { type HmacScheme, hmac } from './signatures/hmac.ts'
export { jwtKeys } from './signatures/jwt_keys.ts'
export type { KeyNeed, Needed } from './signatures/needs.ts'
export { confirmationAddress, SnsEnvelope, signedMembers } from './signatures/sns.ts'
export { standardPrefix } from './signatures/standard_webhooks.ts'
export { isSameText } from './signatures/verdict.ts'
export { isWebhookSecret, newWebhookKeyPair, newWebhookSecret, signStandardWebhook } from './webhook_keys.ts'

/**
 * How a vendor signs what it sends: one kind a file in `signatures/`. There is no default: a vendor that signs
 * nothing says why, and its messages are believed only after the entity was read back.
 */
export type SignatureScheme =
  | { kind: 'none'; because: string }
  | StripeScheme
  | StandardScheme
  | HmacScheme
  | AddressScheme
  | TokenScheme
  | AddressTokenScheme
  | JwtScheme
  | PayPalScheme
  | SnsScheme
  | MtlsScheme

export type VerifyInput = {
  /** Names in lower case, as Node gives them. */
  headers: WebhookHeaders
  body: Buffer
  /** All that are in force: while a secret is being replaced there are two. */
  secrets: readonly string[]
  now: Date
  /** The address as the sender called it, query and all. What signs it is refused where it is not known. */
  url?: string | undefined
  /** What was fetched for it so far: the text of each need by its name. */
  fetched?: ReadonlyMap<string, string> | undefined
  /** Whether a proxy that is trusted handed it on. */
  behind_proxy?: boolean | undefined
}

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type VerifyReason =
  | 'missing_header'
  | 'malformed'
  | 'bad_signature'
  | 'too_old'
  | 'too_new'
  | 'no_secret'

/** Without the key it needs there is no verdict: neither genuine nor forged. */
export type Verified = Genuine | Refused | Needed
/** `secret`: by which of them, from 0, where it is by one. */
export type Genuine = { ok: true; secret?: number }
export type Refused = { ok: false; reason: VerifyReason; detail: string }

/** `t=<unix seconds>,v1=<hex>` over `{t}.{body}`; several `v1` while a secret is rolled. docs.stripe.com/webhooks/signature */
export const stripeSignature = (): SignatureScheme => ({
  kind: 'stripe',
  header: 'stripe-signature',
  tolerance_seconds: 300,
})

/** Standard Webhooks 1.0.0, `v1` (HMAC-SHA256) and `v1a` (ed25519). */
export const standardWebhooks = (tolerance_seconds = 300): SignatureScheme => ({
  kind: 'standard_webhooks',
  tolerance_seconds,
})

/** Over the address and the fields of the form: Twilio, Mailchimp Transactional. */
export const addressAndForm = (header: string, body_hash: string | null = null): SignatureScheme => ({
  kind: 'address_and_form',
  header,
  body_hash,
})

/** The secret itself in a header, behind `prefix`. */
export const token = (header: string, prefix = ''): SignatureScheme => ({
  kind: 'token',
  header,
  prefix,
  encoding: 'utf8',
})

/** RFC 7617; the secret is `user:password`. */
export const basicToken = (): SignatureScheme => ({
  kind: 'token',
  header: 'authorization',
  prefix: 'Basic ',
  encoding: 'base64',
})

/** The secret itself in the address: a parameter of its query, or what stands in the path behind the source. */
export const addressToken = (place: 'query' | 'path', name = 'token'): SignatureScheme => ({
  kind: 'address_token',
  in: place,
  name,
})

/** A JSON Web Token in a header, over the body's hash where `body_hash` names the claim. */
export const jwt = (options: Partial<Omit<JwtScheme, 'kind'>> & { header: string }): SignatureScheme => ({
  kind: 'jwt',
  prefix: '',
  body_hash: null,
  issuer: null,
  audience: null,
  tolerance_seconds: 300,
  keys: { from: 'secrets' },
  algorithms: null,
  claims: {},
  ...options,
})

/** RSA by PayPal's certificate, for one webhook; `keys_from` replaces PayPal's address by that of a sandbox. */
export const paypalSignature = (webhook_id: string, keys_from: string | null = null): SignatureScheme => ({
  kind: 'paypal',
  webhook_id,
  keys_from,
})

/** RSA by Amazon's certificate, for some topics. */
export const snsSignature = (
  topics: readonly string[],
  keys_from: string | null = null,
): SignatureScheme => ({
  kind: 'sns',
  topics,
  keys_from,
})

/** The certificate of the sender, as a trusted proxy tells of it in `header`, or as our own TLS port saw it. */
export const mutualTls = (
  header: string | null,
  subjects: readonly string[],
  verified_header: string | null = null,
): SignatureScheme => ({
  kind: 'mtls',
  header,
  subjects,
  verified_header,
})

/**
 * Fails closed and never throws, whatever the bytes. The signature is judged before the clock, so that `too_old` and
 * `too_new` always speak of a true message: skew is told apart from forgery.
 */
export function verify(scheme: SignatureScheme, input: VerifyInput): Verified {
  try {
    switch (scheme.kind) {
      case 'none':
        return { ok: true }
      case 'stripe':
        return verifyStripe(scheme, input)
      case 'standard_webhooks':
        return verifyStandard(scheme, input)
      case 'hmac':
        return verifyHmac(scheme, input)
      case 'address_and_form':
        return verifyAddress(scheme, input)
      case 'token':
        return verifyToken(scheme, input)
      case 'jwt':
        return verifyJwt(scheme, input)
      case 'address_token':
        return verifyAddressToken(scheme, input)
      case 'paypal':
        return verifyPayPal(scheme, input)
      case 'sns':
        return verifySns(scheme, input)
      case 'mtls':
        return verifyMtls(scheme, input)
    }
  } catch {
    return refused('malformed', 'the signature or its secret could not be read')
  }
}

/** Whether what is verified says anything of the body. */
export function coversBody(scheme: SignatureScheme): boolean {
  if (scheme.kind === 'jwt') return scheme.body_hash !== null
  return !['none', 'token', 'address_token', 'mtls'].includes(scheme.kind)
}

/** Whether the source keeps secrets for it; else the vendor's published keys, or a proxy, stand in for them. */
export function usesSecrets(scheme: SignatureScheme): boolean {
  if (scheme.kind === 'jwt') return scheme.keys.from === 'secrets'
  return !['none', 'paypal', 'sns', 'mtls'].includes(scheme.kind)
}

/** What is a secret itself, header names in lower case and `:path` for the address: it verifies, and is not kept. */
export function credentialHeaders(scheme: SignatureScheme): readonly string[] {
  if (scheme.kind === 'address_token') return [':path']
  if (scheme.kind === 'mtls' || !('header' in scheme)) return []
  return coversBody(scheme) ? [] : [scheme.header]
}
