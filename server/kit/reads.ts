import Type, { type Static, type TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { type FieldError, Problem } from '../platform/errors.ts'
import { readJson } from './wire_json.ts'

/**
 * Where vendor text enters: lenient on extra fields, strict on those we use, and the error names the field. Vendors
 * write null where they mean nothing; `maybe` takes both.
 */
export type Read<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] }

export const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

/**
 * A table from a vendor's words to ours. It knows its own words and no others: in a plain object `constructor` and
 * `toString` would be found too.
 */
export const words = <T>(table: Record<string, T>): Readonly<Record<string, T>> =>
  Object.assign(Object.create(null), table)

/** A whole number; as text where a double would not hold it. */
export const WireInteger = Type.Union([Type.Integer(), Type.String({ pattern: '^-?[0-9]+$' })])

const compiled = new WeakMap<TSchema, Validator>()

function validatorOf(schema: TSchema): Validator {
  const known = compiled.get(schema)
  if (known) return known
  const made = Compile(schema) as Validator
  compiled.set(schema, made)
  return made
}

/** Checks a value that is parsed already. Compiles a schema once, at its first use. */
export function read<T extends TSchema>(schema: T, value: unknown): Read<Static<T>> {
  const validator = validatorOf(schema)
  if (validator.Check(value)) return { ok: true, value: value as Static<T> }
  return { ok: false, errors: toFieldErrors(validator.Errors(value), schema) }
}

/** Parses JSON without losing a digit, then checks it. */
export function readText<T extends TSchema>(schema: T, text: string): Read<Static<T>> {
  let value: unknown
  try {
    value = readJson(text)
  } catch {
    return {
      ok: false,
      errors: [{ field: '', reason: text === '' ? 'the body is empty' : 'the body is not valid JSON' }],
    }
  }
  return read(schema, value)
}

/** For a part whose schema depends on what was read before. What does not fit is a `Problem` that the kit turns into words. */
export function readPart<T extends TSchema>(schema: T, value: unknown, place: string): Static<T> {
  const part = read(schema, value)
  if (part.ok) return part.value
  const errors = part.errors.map(({ field, reason }) => ({
    field: field === '' ? place : `${place}.${field}`,
    reason,
  }))
  throw new Problem('invalid_request', { detail: inWords(errors), errors })
}

/** Runs a translation; what it cannot make sense of comes back as words, a bug of ours is thrown on. */
export function translated<T>(translate: () => T): { ok: true; value: T } | { ok: false; problem: string } {
  try {
    return { ok: true, value: translate() }
  } catch (error) {
    if (error instanceof Problem) return { ok: false, problem: error.occurrence.detail }
    throw error
  }
}

type SchemaError = {
  keyword: string
  instancePath: string
  schemaPath?: string
  message: string
  params: object
}

/** One error a field: the branches of a union are joined to one reason, and the union's own says nothing more. */
export function toFieldErrors(errors: readonly SchemaError[], schema?: object): FieldError[] {
  const reasons = new Map<string, Set<string>>()
  for (const error of errors) {
    const place = error.instancePath.slice(1).replaceAll('/', '.')
    const below = (name: string) => (place === '' ? name : `${place}.${name}`)
    const { requiredProperties, ...surplus } = error.params as Named
    const unknown = surplus.additionalProperties ?? [surplus.additionalProperty ?? '']
    if (error.keyword === 'anyOf' || isSurplus(error)) continue
    if (error.keyword === 'required')
      for (const name of requiredProperties ?? []) reasons.set(below(name), new Set(['is missing']))
    else if (error.keyword === 'additionalProperties')
      for (const name of unknown) reasons.set(below(name), new Set([notKnown(nodeAt(schema, error))]))
    else reasons.set(place, (reasons.get(place) ?? new Set()).add(told(error, nodeAt(schema, error))))
  }
  const found = [...reasons].slice(0, 20).map(([field, why]) => ({ field, reason: [...why].join(' or ') }))
  return found.length > 0 ? found : [{ field: '', reason: 'does not fit the schema' }]
}

type Named = { requiredProperties?: string[]; additionalProperties?: string[]; additionalProperty?: string }
type Node = { description?: string; properties?: object }

/** The schema `false` of what is surplus; the object itself says so by the field's name. */
const isSurplus = ({ keyword, schemaPath }: SchemaError): boolean =>
  keyword === 'boolean' && schemaPath?.endsWith('/additionalProperties') === true

/** Where in its schema an error stands: `#/properties/money/properties/amount`. */
function nodeAt(schema: object | undefined, { schemaPath = '#' }: SchemaError): Node {
  const parts = schemaPath.split('/').slice(1)
  const at = parts.reduce<unknown>(
    (node, part) => (node as Record<string, unknown> | undefined)?.[part],
    schema,
  )
  return (at ?? {}) as Node
}

function notKnown({ properties }: Node): string {
  const names = Object.keys(properties ?? {})
  return `is not known here; leave it out${names.length > 0 ? `, or mean one of ${names.join(', ')}` : ''}`
}

const DESCRIBED = new Set(['type', 'pattern', 'format'])

/** A constant by its value, and what has a form with what the schema says of it: the form alone is no remedy. */
function told({ keyword, message, params }: SchemaError, { description }: Node): string {
  if (keyword === 'const')
    return `must be ${JSON.stringify((params as { allowedValue: unknown }).allowedValue)}`
  if (description === undefined || !DESCRIBED.has(keyword)) return message
  return `${message}: ${description.replace(/\.$/, '')}`
}

/** `data.amount is missing; currency must be string` for one line of text. */
export const inWords = (errors: readonly FieldError[]): string =>
  errors.map(({ field, reason }) => (field === '' ? reason : `${field} ${reason}`)).join('; ')
