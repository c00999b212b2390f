import { Problem } from '../../platform/errors.ts'
import { money, moneyFromDecimal, toDecimal } from '../../platform/money.ts'
import { isPattern, isZone, readDate, WAYS, writeDate } from './dates.ts'
import { fault } from './fault.ts'
import { changeAll, readPath } from './fields.ts'
import { copyOf, rawNumber, scalarText } from './values.ts'

/** How values are written: dates, numbers, amounts, letters. What is missing or null stays so. */
export type FormatStep = { kind: 'format'; fields: Record<string, Format> }

export type Format =
  | { as: 'date'; from?: string; to?: string; zone?: string }
  | { as: 'number'; from?: Spelling; to?: Spelling; decimals?: number; type?: 'text' | 'number' }
  | {
      as: 'money'
      from: 'minor' | 'decimal'
      to: 'minor' | 'decimal'
      currency: string
      type?: 'text' | 'number'
    }
  | { as: 'upper' | 'lower' | 'trim' | 'digits' | 'text' | 'boolean' }

/** `plain` is 1234.56, `pt-BR` 1.234,56 and `en-US` 1,234.56. */
type Spelling = 'plain' | 'pt-BR' | 'en-US'

const USUAL_ZONE = 'America/Sao_Paulo'

export function checkFormat({ fields }: FormatStep): void {
  for (const [path, format] of Object.entries(fields)) {
    const field = `fields.${path}`
    readPath(path, field)
    if (format.as === 'money') wrapped(`${field}.currency`, () => money('0', format.currency))
    if (format.as !== 'date') continue
    if (!isZone(format.zone ?? USUAL_ZONE))
      throw fault(`${field}.zone`, 'is no time zone; such as America/Sao_Paulo')
    for (const side of ['from', 'to'] as const) {
      const way = format[side] ?? 'iso'
      if ((WAYS as readonly string[]).includes(way) || isPattern(way)) continue
      throw fault(`${field}.${side}`, `must be ${WAYS.join(', ')} or a pattern such as dd/MM/yyyy HH:mm:ss`)
    }
  }
}

export function formatFields({ fields }: FormatStep, input: unknown): unknown {
  let output = copyOf(input)
  for (const [path, format] of Object.entries(fields)) {
    output = changeAll(output, path, path, (value) =>
      value === undefined || value === null ? undefined : write(path, format, value),
    )
  }
  return output
}

function write(path: string, format: Format, value: unknown): unknown {
  const text = scalarText(value)
  if (text === null) throw fault(path, 'is no text, number or truth value, and cannot be formatted')
  switch (format.as) {
    case 'date':
      return dateOf(path, format, text)
    case 'number':
      return numberOf(path, format, text)
    case 'money':
      return amountOf(path, format, text)
    case 'boolean':
      return truthOf(path, text)
    default:
      return LETTERS[format.as](text)
  }
}

const LETTERS = {
  upper: (text: string) => text.toLocaleUpperCase('pt-BR'),
  lower: (text: string) => text.toLocaleLowerCase('pt-BR'),
  trim: (text: string) => text.trim(),
  digits: (text: string) => text.replace(/\D/g, ''),
  text: (text: string) => text,
} as const

function truthOf(path: string, text: string): boolean {
  if (/^(true|1|s|sim|y|yes)$/i.test(text)) return true
  if (/^(false|0|n|nao|não|no)$/i.test(text)) return false
  throw fault(path, `is "${shown(text)}", neither true nor false`)
}

// Years of four digits, in any zone: milliseconds that are read as seconds are far beyond.
const FIRST = Date.parse('0001-01-01T00:00:00Z')
const END = Date.parse('9999-12-31T00:00:00Z')

function dateOf(
  path: string,
  { from = 'iso', to = 'iso', zone = USUAL_ZONE }: Extract<Format, { as: 'date' }>,
  text: string,
): unknown {
  const instant = readDate(text.trim(), from, zone)
  if (instant === null || !(instant >= FIRST && instant < END))
    throw fault(path, `is "${shown(text)}", no date as ${from}`)
  return writeDate(instant, to, zone)
}

const MARKS: Record<Spelling, { group: string; point: string }> = {
  plain: { group: '', point: '.' },
  'pt-BR': { group: '.', point: ',' },
  'en-US': { group: ',', point: '.' },
}

function numberOf(
  path: string,
  { from = 'plain', to = 'plain', decimals, type = 'text' }: Extract<Format, { as: 'number' }>,
  text: string,
): unknown {
  const [, sign, whole, fraction = ''] = SPELLED[from].exec(text.trim()) ?? []
  if (whole === undefined) throw fault(path, `is "${shown(text)}", no number as ${from} writes it`)
  const digits = whole.replace(/[.,]/g, '').replace(/^0+(?=\d)/, '')
  if (decimals !== undefined && fraction.replace(/0+$/, '').length > decimals)
    throw fault(path, `is "${shown(text)}", with more than ${decimals} decimals; nothing is rounded here`)
  const tail = decimals === undefined ? fraction : fraction.padEnd(decimals, '0').slice(0, decimals)
  if (type === 'number') return rawNumber(`${sign}${digits}${tail === '' ? '' : `.${tail}`}`)
  const { group, point } = MARKS[to]
  const grouped = group === '' ? digits : digits.replace(/\B(?=(\d{3})+$)/g, group)
  return `${sign}${grouped}${tail === '' ? '' : point + tail}`
}

// Grouped rightly or not at all: 1.23 is no number where the dot stands for thousands.
const SPELLED: Record<Spelling, RegExp> = {
  plain: /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/,
  'pt-BR': /^(-?)(\d{1,3}(?:\.\d{3}){1,13}|\d{1,40})(?:,(\d{1,40}))?$/,
  'en-US': /^(-?)(\d{1,3}(?:,\d{3}){1,13}|\d{1,40})(?:\.(\d{1,40}))?$/,
}

function amountOf(
  path: string,
  { from, to, currency, type = 'text' }: Extract<Format, { as: 'money' }>,
  text: string,
): unknown {
  const amount = wrapped(path, () =>
    from === 'minor' ? money(text, currency) : moneyFromDecimal(text, currency),
  )
  const written = to === 'minor' ? amount.amount : toDecimal(amount)
  return type === 'number' ? rawNumber(written) : written
}

function wrapped<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Problem) throw fault(path, error.occurrence.errors?.[0]?.reason ?? error.message)
    throw error
  }
}

const shown = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)
