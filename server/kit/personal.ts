import { isCnpj, isCpf } from './brazil/document.ts'
import { BEFORE_NUMBER, MASK } from './masking.ts'

/**
 * Personal data in a body of any form: CPF, CNPJ, e-mail, phone. What is hidden is handed over too, so that a record
 * which does not show a CPF can be found by it.
 */

/** Of one text; the rest is hidden as well and not found. */
const MOST_FOUND = 20

// A number counts where its check digits are right, or where it says what it is. To look for one sign first is far
// cheaper than to try a pattern that cannot match without it: most texts hold nothing of all this.
const NUMBER = new RegExp(
  String.raw`${BEFORE_NUMBER}(?:\d{11}(?:\d{2,3})?|\d{3}\.\d{3}\.\d{3}-\d{2})(?!\w)`,
  'g',
)
// Since July 2026 a CNPJ may hold letters, and then it is written with its punctuation.
const CNPJ = new RegExp(
  String.raw`${BEFORE_NUMBER}[\dA-Z]{2}\.[\dA-Z]{3}\.[\dA-Z]{3}(?:\\?\/|%2[Ff])[\dA-Z]{4}-\d{2}(?!\w)`,
  'g',
)
const CNPJ_END = /(?:\/|%2[Ff])[\dA-Z]{4}-\d{2}/
const PHONE = /(?:\+|%2[Bb])[1-9]\d{9,14}(?!\w)/g
// With the escape before it, whose last letter would else be taken for the first of the name.
const EMAIL =
  /(?:(\\(?:[\\bfnrt]|u[\da-fA-F]{4})|%(?!2[Bb])[\da-fA-F]{2})|(?<!\w))((?:\w|%2[Bb])(?:[\w.!#$'*+^`{}~-]|%2[Bb]){0,63}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?!\w))/g

/** The text without them; what was there is added to `found`, in one spelling of each. */
export function hidePersonal(text: string, found: string[]): string {
  const hide = (match: string): string => {
    const value = meaningOf(match)
    if (value === null) return match
    if (found.length < MOST_FOUND && !found.includes(value)) found.push(value)
    return MASK
  }
  let hidden = text.replace(NUMBER, hide)
  if (CNPJ_END.test(hidden)) hidden = hidden.replace(CNPJ, hide)
  if (hidden.includes('@') || hidden.includes('%40'))
    hidden = hidden.replace(
      EMAIL,
      (_whole, before: string | undefined, email: string) => (before ?? '') + hide(email),
    )
  if (hidden.includes('+') || hidden.includes('%2')) hidden = hidden.replace(PHONE, hide)
  return hidden
}

/** CPF and CNPJ by their digits, a phone with its country, an e-mail in lower case; null where it is something else. */
function meaningOf(match: string): string | null {
  const text = match.replace(/%40/, '@').replace(/%2b/gi, '+').replace(/%2f/gi, '/')
  if (text.includes('@')) return text.toLowerCase()
  if (text.startsWith('+')) return text
  const bare = text.replace(/[^\dA-Z]/g, '')
  if (bare.length === 13) return BRAZILIAN_MOBILE.test(bare) ? `+${bare}` : null
  return (bare.length === 11 ? isCpf(bare) : isCnpj(bare)) ? bare : null
}

const BRAZILIAN_MOBILE = /^55[1-9]{2}9\d{8}$/

/** The spellings under which what somebody looks for may have been found: as it is, and as a phone with its country. */
export function spellingsOf(wanted: string): string[] {
  const text = wanted.trim()
  if (!/^\+?[\d ().-]{10,20}$/.test(text)) return [text]
  const digits = text.replace(/\D/g, '')
  if (text.startsWith('+') || BRAZILIAN_MOBILE.test(digits)) return [...new Set([text, `+${digits}`])]
  return /^[1-9]{2}9\d{8}$/.test(digits) ? [text, `+55${digits}`] : [text]
}
