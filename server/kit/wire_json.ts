/**
 * JSON as vendors write it, without losing a digit. Integers a double holds exactly stay numbers; every other number
 * (12.50, 1e3, 9007199254740993) becomes the text that stood there, so that no amount and no id passes through a float.
 * Throws SyntaxError on what is not JSON.
 */
export function readJson(text: string): unknown {
  if (!INEXACT.test(text)) return JSON.parse(text)
  return parseWithSource(text, (_key, value, context) => {
    if (typeof value !== 'number' || context.source === undefined) return value
    return Number.isSafeInteger(value) && !/[.eE]/.test(context.source) ? value : context.source
  })
}

// A number with a fraction, an exponent or 16 digits, maybe inside a string: then the slower way costs nothing but time.
const INEXACT = /(?:[:,[\s]|^)-?(?:[0-9]{16}|[0-9]+[.eE])/

/** Whether a text of JSON may hold a number that a double does not print as it stands there. */
export const mayLoseDigits = (text: string): boolean => INEXACT.test(text)

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
// The standard library's types do not know the third argument yet.
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/**
 * The text of a member of a JSON object, byte for byte, null where there is none. As with JSON.parse the last of
 * several wins. What is not a JSON object has no members; nothing throws.
 */
export function rawMember(text: string, name: string): string | null {
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return null
  let found: string | null = null
  at = skipSpace(text, at + 1)
  while (text[at] === '"') {
    const key_end = endOfString(text, at)
    const colon = skipSpace(text, key_end)
    if (text[colon] !== ':') return null
    const start = skipSpace(text, colon + 1)
    const end = endOfValue(text, start)
    if (end <= start) return null
    if (isKey(text.slice(at, key_end), name)) found = text.slice(start, end)
    at = skipSpace(text, end)
    if (text[at] === '}') return found
    if (text[at] !== ',') return null
    at = skipSpace(text, at + 1)
  }
  return null
}

/** A member of a JSON object that is text, decoded; null where there is none or it is something else. */
export function textMember(text: string, name: string): string | null {
  const raw = rawMember(text, name)
  if (!raw?.startsWith('"')) return null
  try {
    return JSON.parse(raw) as string
  } catch {
    return null
  }
}

/** The texts of the elements of a JSON array, byte for byte; none where it is no array. Nothing throws. */
export function rawElements(text: string): string[] {
  let at = skipSpace(text, 0)
  if (text[at] !== '[') return []
  const elements: string[] = []
  at = skipSpace(text, at + 1)
  while (text[at] !== ']') {
    const end = endOfValue(text, at)
    if (end <= at) return []
    elements.push(text.slice(at, end))
    at = skipSpace(text, end)
    if (text[at] === ']') break
    if (text[at] !== ',') return []
    at = skipSpace(text, at + 1)
  }
  return elements
}

function isKey(quoted: string, name: string): boolean {
  if (!quoted.includes('\\')) return quoted.length === name.length + 2 && quoted.slice(1, -1) === name
  try {
    return JSON.parse(quoted) === name
  } catch {
    return false
  }
}

/** The place of the next character that is no space. */
export function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \n\r\t'.includes(text.charAt(at))) at++
  return at
}

/** The place after the closing quote of the string that begins at `from`. */
export function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1)
  while (quote !== -1) {
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return quote + 1
    quote = text.indexOf('"', quote + 1)
  }
  return text.length
}

/** The place after the value that begins at `from`; `from` itself where none does. */
export function endOfValue(text: string, from: number): number {
  const first = text[from]
  if (first === '"') return endOfString(text, from)
  if (first !== '{' && first !== '[') return endOfScalar(text, from)
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at) - 1
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return from
}

function endOfScalar(text: string, from: number): number {
  let at = from
  while (at < text.length && !',}] \n\r\t'.includes(text.charAt(at))) at++
  return at
}
