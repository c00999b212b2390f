/**
 * The fields of a manifest: which are asked for now, what is wrong with what is typed, and what is sent. The server
 * checks all of it again; here it is said while one types.
 */
export type Field = {
  key: string
  label: string
  hint?: string
  secret?: boolean
  required?: boolean
  type?: 'text' | 'url' | 'integer' | 'boolean' | 'headers' | 'json'
  pattern?: string
  enum?: readonly string[]
  default?: unknown
  minimum?: number
  maximum?: number
  max_length?: number
  multiline?: boolean
  when?: Readonly<Record<string, string | readonly string[]>>
  example?: string
}

/** What stands in the form: text as it was typed, also of numbers and JSON. */
export type Draft = string | boolean
export type Drafts = Record<string, Draft>

/** A fault by its name; the page has the words. */
export type Fault =
  | { name: 'required' | 'integer' | 'url' | 'url_user' | 'url_end' | 'json' | 'headers' | 'form' | 'breaks' }
  | { name: 'at_least' | 'at_most' | 'too_long'; n: number }

const LONGEST = { open: 2_000, secret: 10_000 }

/** Whether a field is asked for, as the settings stand. */
export function isAsked(field: Field, settings: Drafts): boolean {
  return Object.entries(field.when ?? {}).every(([key, wanted]) =>
    [wanted].flat().includes(String(settings[key] ?? '')),
  )
}

/** The form as it begins: what is set already, else the default, else nothing. */
export function toDrafts(fields: readonly Field[], values: Readonly<Record<string, unknown>>): Drafts {
  return Object.fromEntries(fields.map((field) => [field.key, toDraft(field, values[field.key])]))
}

function toDraft({ type, default: usual }: Field, value: unknown): Draft {
  const stands = value ?? usual
  if (type === 'boolean') return stands === true
  if (stands === undefined || stands === null) return ''
  return typeof stands === 'object' ? JSON.stringify(stands, null, 2) : String(stands)
}

/** What is sent, each in its type: what is asked for, is not empty and is not what stands there anyway. */
export function toValues(
  fields: readonly Field[],
  drafts: Drafts,
  settings: Drafts,
): Record<string, unknown> {
  const told = fields.filter((field) => {
    const draft = drafts[field.key] ?? ''
    return isAsked(field, settings) && draft !== '' && draft !== toDraft(field, undefined)
  })
  return Object.fromEntries(told.map((field) => [field.key, toValue(field, drafts[field.key] ?? '')]))
}

function toValue({ type }: Field, draft: Draft): unknown {
  if (type === 'integer') return Number(draft)
  if (type === 'json' || type === 'headers') return JSON.parse(String(draft))
  return draft
}

/** What is wrong with one field; null where nothing is. */
export function faultOf(field: Field, draft: Draft | undefined): Fault | null {
  if (draft === undefined || draft === '') return field.required ? { name: 'required' } : null
  if (typeof draft === 'boolean') return null
  switch (field.type ?? 'text') {
    case 'integer':
      return faultOfInteger(field, draft)
    case 'json':
      return parsed(draft) === undefined ? { name: 'json' } : null
    case 'headers':
      return faultOfHeaders(parsed(draft))
    case 'url':
      return faultOfText(field, draft) ?? faultOfUrl(draft)
    default:
      return faultOfText(field, draft)
  }
}

function faultOfInteger({ minimum, maximum }: Field, draft: string): Fault | null {
  const n = Number(draft)
  if (!Number.isSafeInteger(n)) return { name: 'integer' }
  if (minimum !== undefined && n < minimum) return { name: 'at_least', n: minimum }
  return maximum !== undefined && n > maximum ? { name: 'at_most', n: maximum } : null
}

function faultOfText(field: Field, draft: string): Fault | null {
  const longest = field.max_length ?? (field.secret ? LONGEST.secret : LONGEST.open)
  if (draft.length > longest) return { name: 'too_long', n: longest }
  const unwanted = field.multiline ? /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/ : /[\x00-\x1f\x7f]/
  if (unwanted.test(draft)) return { name: 'breaks' }
  const fits = field.pattern === undefined || new RegExp(`^(?:${field.pattern})$`).test(draft)
  return fits ? null : { name: 'form' }
}

function faultOfUrl(draft: string): Fault | null {
  const url = URL.parse(draft)
  if (url === null || !/^https?:$/.test(url.protocol)) return { name: 'url' }
  if (url.username !== '' || url.password !== '') return { name: 'url_user' }
  return url.search !== '' || url.hash !== '' ? { name: 'url_end' } : null
}

function faultOfHeaders(value: unknown): Fault | null {
  const is_fit =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  return is_fit ? null : { name: 'headers' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
