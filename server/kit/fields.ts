import type { TSchema } from 'typebox'
import type { FieldError } from '../platform/errors.ts'
import type { Provider } from './provider.ts'
import { inWords, read } from './reads.ts'

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
  type?: 'text' | 'url' | 'integer' | 'boolean' | 'headers' | 'json'
  /** Of a `json` field: what fits. */
  schema?: TSchema
  /** Matched against the whole value. */
  pattern?: string
  /** Patterns of values that belong to one world of the vendor alone. */
  worlds?: { live: string; test: string }
  enum?: readonly string[]
  default?: FieldValue
  minimum?: number
  maximum?: number
  max_length?: number
  /** Text of several lines, such as a key in PEM. */
  multiline?: boolean
  /** Asked for only while another setting has this value: `{ auth: 'bearer' }`. */
  when?: Readonly<Record<string, string | readonly string[]>>
  example?: string
}

export type FieldValue = string | number | boolean | Readonly<Record<string, unknown>>
export type Settings = Readonly<Record<string, FieldValue>>
export type Credentials = Readonly<Record<string, string>>

const LONGEST_TEXT = 2000
const LONGEST_SECRET = 10_000

/** What is wrong with a connection's settings and credentials: the field, the reason, the remedy. Empty when fit. */
export function checkSettings(provider: Provider, settings: unknown, credentials: unknown): FieldError[] {
  const open = provider.fields.filter((field) => !field.secret)
  const secret = provider.fields.filter((field) => field.secret)
  const known = isObject(settings) ? withDefaults(open, settings as Settings) : {}
  const faults = [
    ...checkFields('settings', open, settings, known),
    ...checkFields('credentials', secret, credentials, known),
  ]
  return faults.length > 0 ? faults : (provider.faults?.(known) ?? [])
}

/** Checks one object against its fields; `known` are the settings that `when` looks at. */
export function checkFields(
  place: 'settings' | 'credentials' | 'target',
  fields: readonly Field[],
  values: unknown,
  known: Settings,
): FieldError[] {
  if (!isObject(values)) return [{ field: place, reason: 'must be an object' }]
  const unknown = Object.keys(values).filter((key) => !fields.some((field) => field.key === key))
  const names = fields.map((field) => field.key).join(', ')
  return [
    ...unknown.map((key) => ({
      field: `${place}.${key}`,
      reason:
        names === '' ? 'is not known; nothing is taken here' : `is not known; the known ones are ${names}`,
    })),
    ...fields.flatMap((field) => {
      const reason = checkField(field, values[field.key], known)
      return reason === null ? [] : [{ field: `${place}.${field.key}`, reason }]
    }),
  ]
}

/** The settings with the defaults of those left out; what is not asked for stays away. */
export function withDefaults(fields: readonly Field[], settings: Settings): Settings {
  const complete: Record<string, FieldValue> = { ...settings }
  for (const field of fields) {
    if (complete[field.key] === undefined && field.default !== undefined) complete[field.key] = field.default
  }
  return complete
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isAsked({ when }: Field, known: Settings): boolean {
  return Object.entries(when ?? {}).every(([key, wanted]) => [wanted].flat().includes(String(known[key])))
}

function checkField(field: Field, value: unknown, known: Settings): string | null {
  const asked = isAsked(field, known)
  if (value === undefined) {
    return asked && field.required && field.default === undefined ? `is required${hintOf(field)}` : null
  }
  if (!asked) return `is not used unless ${conditionInWords(field.when)}; leave it out`
  return checkType(field, value)
}

const hintOf = ({ hint, example }: Field) =>
  `${hint === undefined ? '' : `: ${hint}`}${example === undefined ? '' : ` (for example ${example})`}`

const conditionInWords = (when: Field['when'] = {}) =>
  Object.entries(when)
    .map(([key, wanted]) => `${key} is ${[wanted].flat().join(' or ')}`)
    .join(' and ')

function checkType(field: Field, value: unknown): string | null {
  switch (field.type ?? 'text') {
    case 'integer':
      return checkInteger(field, value)
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'headers':
      return checkHeaders(value)
    case 'json':
      return checkJson(field, value)
    case 'url':
      return checkText(field, value) ?? checkUrl(String(value))
    case 'text':
      return checkText(field, value)
  }
}

function checkJson({ schema }: Field, value: unknown): string | null {
  const fits = schema === undefined ? null : read(schema, value)
  return fits === null || fits.ok ? null : inWords(fits.errors)
}

function checkInteger({ minimum, maximum }: Field, value: unknown): string | null {
  if (!Number.isSafeInteger(value)) return 'must be a whole number'
  if (minimum !== undefined && Number(value) < minimum) return `must be at least ${minimum}`
  return maximum !== undefined && Number(value) > maximum ? `must be at most ${maximum}` : null
}

function checkText(field: Field, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be text'
  const longest = field.max_length ?? (field.secret ? LONGEST_SECRET : LONGEST_TEXT)
  if (value === '') return `must not be empty${hintOf(field)}`
  if (value.length > longest) return `must not be longer than ${longest} characters`
  const unwanted = field.multiline ? /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/ : /[\x00-\x1f\x7f]/
  if (!value.isWellFormed() || unwanted.test(value)) {
    return `must not hold ${field.multiline ? '' : 'line breaks or other '}control characters; look for one at the end`
  }
  if (field.enum && !field.enum.includes(value)) return `must be one of ${field.enum.join(', ')}`
  const fits = field.pattern === undefined || new RegExp(`^(?:${field.pattern})$`).test(value)
  return fits ? null : `does not have the right form${hintOf(field) || `; it must match ${field.pattern}`}`
}

function checkUrl(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'must be a URL that begins with https:// or http://'
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user or password; set them as credentials'
  return url.search !== '' || url.hash !== '' ? 'must end before any ? or #' : null
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
/** Headers that the transport owns, or that would carry a secret in the open. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function checkHeaders(value: unknown): string | null {
  if (!isObject(value)) return 'must be an object of header names to text'
  for (const [name, text] of Object.entries(value)) {
    if (!HEADER_NAME.test(name)) return `holds ${JSON.stringify(name.slice(0, 60))}, which is no header name`
    if (RESERVED_HEADERS.has(name.toLowerCase()))
      return `holds ${name}, which is set by the connection itself`
    if (typeof text !== 'string' || !/^[\x20-\x7e]{0,2000}$/.test(text)) {
      return `holds ${name}, whose value must be text of printable ASCII`
    }
  }
  return null
}
