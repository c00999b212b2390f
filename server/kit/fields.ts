import type { FieldError } from '../platform/errors.ts'
import type { Provider } from './provider.ts'

/**
 * One list of fields makes the form, the validation and the masking. A `secret` field is a credential: it is kept in
 * the vault, never returned, and masked wherever it turns up.
 */
export type Field = {
  /** `snake_case`, as it stands in `settings` or `credentials`. */
  key: string
  label: string
  hint?: string
  secret?: boolean
  required?: boolean
  /** `text` unless said otherwise; `headers` is an object of text to text. */
  type?: 'text' | 'url' | 'integer' | 'boolean' | 'headers'
  /** Matched against the whole value. */
  pattern?: string
  enum?: readonly string[]
  default?: FieldValue
  minimum?: number
  maximum?: number
  max_length?: number
  /** Asked for only while another setting has this value: `{ auth: 'bearer' }`. */
  when?: Readonly<Record<string, string | readonly string[]>>
  example?: string
}

export type FieldValue = string | number | boolean | Readonly<Record<string, string>>
export type Settings = Readonly<Record<string, FieldValue>>
export type Credentials = Readonly<Record<string, string>>

/** What is wrong with a connection's settings and credentials: the field, the reason, the remedy. Empty when fit. */
export declare function checkSettings(
  provider: Provider,
  settings: unknown,
  credentials: unknown,
): FieldError[]
