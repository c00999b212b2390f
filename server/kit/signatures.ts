/**
 * How a vendor signs what it sends. There is no default: a vendor that signs nothing says why, and its messages are
 * believed only after the entity was read back.
 */
export type SignatureScheme =
  | { kind: 'none'; because: string }
  | { kind: 'stripe'; header: string; tolerance_seconds: number }
  | { kind: 'standard_webhooks'; tolerance_seconds: number }
  | HmacScheme

export type HmacScheme = {
  kind: 'hmac'
  header: string
  algorithm: 'sha1' | 'sha256' | 'sha512'
  encoding: 'hex' | 'base64'
  /** Stands before the signature in its header: `sha256=`. */
  prefix: string
  /** What is signed: text with `{body}`, and `{timestamp}` or `{id}` where their headers are named. */
  signs: string
  timestamp_header: string | null
  id_header: string | null
  tolerance_seconds: number
}

export type VerifyInput = {
  /** Names in lower case, as Node gives them. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  body: Buffer
  /** All that are in force: while a secret is being replaced there are two. */
  secrets: readonly string[]
  now: Date
}

export type VerifyReason =
  | 'missing_header'
  | 'malformed'
  | 'bad_signature'
  | 'too_old'
  | 'too_new'
  | 'no_secret'

export type Verified = { ok: true } | { ok: false; reason: VerifyReason; detail: string }

/** Fails closed and never throws, whatever the bytes. */
export declare function verify(scheme: SignatureScheme, input: VerifyInput): Verified
