import { type Refusal, refusal } from './errors.ts'

/**
 * What Stripe reads from a form: text, and nested by brackets, `metadata[order]=7` or `expand[]=charges`.
 * A list is an object whose names are numbers, until somebody asks for it as a list.
 */
export type Form = { [name: string]: string | Form }

export function readForm(params: URLSearchParams): Form {
  const form: Form = Object.create(null)
  for (const [name, value] of params) place(form, name.replaceAll(']', '').split('['), value)
  return form
}

function place(into: Form, [first = '', ...rest]: string[], value: string): void {
  const name = first === '' ? String(Object.keys(into).length) : first
  if (rest.length === 0) {
    into[name] = value
    return
  }
  const before = into[name]
  const inner: Form = typeof before === 'object' ? before : Object.create(null)
  into[name] = inner
  place(inner, rest, value)
}

export const textOf = (form: Form, name: string): string | null => {
  const value = form[name]
  return typeof value === 'string' && value !== '' ? value : null
}

export const formOf = (form: Form, name: string): Record<string, string> => {
  const pairs = Object.entries(form[name] ?? {})
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

export const listOf = (form: Form, name: string): string[] => Object.values(formOf(form, name))

/** Stripe refuses what it does not know, which is how a misspelt field of ours would show. */
export function unknownParam(form: Form, known: readonly string[]): Refusal | null {
  const stranger = Object.keys(form).find((name) => name !== 'expand' && !known.includes(name))
  if (stranger === undefined) return null
  return refusal(400, {
    code: 'parameter_unknown',
    message: `Received unknown parameter: ${stranger}`,
    param: stranger,
  })
}

/** A positive integer of minor units. */
export function readAmount(form: Form, name = 'amount'): number | Refusal {
  const text = textOf(form, name)
  if (text === null) {
    return refusal(400, {
      code: 'parameter_missing',
      message: `Missing required param: ${name}.`,
      param: name,
    })
  }
  if (!/^-?\d{1,12}$/.test(text)) {
    return refusal(400, {
      code: 'parameter_invalid_integer',
      message: `Invalid integer: ${text}`,
      param: name,
    })
  }
  if (Number(text) < 1) {
    const message = 'This value must be greater than or equal to 1.'
    return refusal(400, { code: 'parameter_invalid_integer', message, param: name })
  }
  return Number(text)
}
