import Type, { type Static } from 'typebox'
import type { FieldError } from '../../../platform/errors.ts'

/**
 * Statements are written down once, on the connection, by whoever may change it. A call names one and brings values;
 * what it brings is never part of the text, only ever a parameter.
 */
const ParamType = Type.Union(
  [
    Type.Literal('text'),
    Type.Literal('integer'),
    Type.Literal('decimal'),
    Type.Literal('boolean'),
    Type.Literal('date'),
    Type.Literal('timestamp'),
    Type.Literal('json'),
  ],
  { description: 'integer and decimal take numbers, or text that keeps every digit' },
)

export const Statement = Type.Object(
  {
    text: Type.String({
      minLength: 1,
      maxLength: 20_000,
      description: 'One statement; values stand as :name',
    }),
    kind: Type.Union([Type.Literal('read'), Type.Literal('write')], {
      description: 'A read runs in a transaction that can change nothing, and is tried again where it fails',
    }),
    params: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z_][a-z0-9_]{0,62}$' }), ParamType, { maxProperties: 100 }),
    ),
    max_rows: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: '1,000 where absent' }),
    ),
  },
  { additionalProperties: false },
)
export type Statement = Static<typeof Statement>
export type ParamType = Static<typeof ParamType>

export const Statements = Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_.]{0,62}$' }), Statement, {
  maxProperties: 200,
  description: 'By name',
})
export type Statements = Static<typeof Statements>

/** What is no place for a value: quoted text and names, dollar quotes, comments, casts. The last group is a name. */
const TOKEN =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|`[^`]*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([a-z_]\w*)/gi

/** Of SQL Server and Oracle: a backslash escapes nothing, and SQL Server quotes names by brackets too. */
const TOKEN_AT =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|(\[)(?:[^\]]|\]\])*\]|--[^\n]*|\/\*[\s\S]*?\*\/|::|:([a-z_]\w*)/gi
const TOKEN_COLON =
  /q'(?:\[[\s\S]*?\]|\{[\s\S]*?\}|<[\s\S]*?>|\([\s\S]*?\)|(\S)[\s\S]*?\1)'|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|:=|:([a-z_]\w*)/gi

export type Bound = { text: string; names: string[] }
export type Style = 'numbered' | 'question' | 'at' | 'colon'

const TOKENS: Record<Style, RegExp> = {
  numbered: TOKEN,
  question: TOKEN,
  at: TOKEN_AT,
  colon: TOKEN_COLON,
}

/** The text as the engine wants it, and which value stands in each of its places. */
export function bind(text: string, style: Style): Bound {
  const names: string[] = []
  const bound = text.replace(TOKENS[style], (token: string, _tag: string | undefined, name?: string) => {
    if (name === undefined) return token
    if (style === 'question' || style === 'colon') {
      names.push(name)
      return style === 'question' ? '?' : `:p${names.length}`
    }
    if (!names.includes(name)) names.push(name)
    return `${style === 'at' ? '@p' : '$'}${names.indexOf(name) + 1}`
  })
  return { text: bound, names }
}

/** What a kind of database takes for a statement. */
export type Grammar = {
  bind(text: string): Bound
  /** Asks whether the database is there. */
  ping: string
  /** What is wrong with a statement that has the right shape, beside its parameters. */
  fault?(statement: Statement): string | null
}

/** What is wrong with statements that have the right shape. */
export function statementFaultsIn({ bind, fault }: Grammar, statements: Statements): FieldError[] {
  return Object.entries(statements).flatMap(([name, statement]) => {
    const { text, params = {} } = statement
    const field = `settings.statements.${name}`
    const wrong = fault?.(statement)
    if (wrong) return [{ field: `${field}.text`, reason: wrong }]
    const used = new Set(bind(text).names)
    const declared = Object.keys(params)
    return [
      ...[...used]
        .filter((one) => !declared.includes(one))
        .map((one) => ({ field: `${field}.params`, reason: `must say what :${one} of the text is` })),
      ...declared
        .filter((one) => !used.has(one))
        .map((one) => ({ field: `${field}.params.${one}`, reason: 'is not in the text; leave it out' })),
    ]
  })
}

export type Value = string | boolean | null

/** The values in the order of their names, or what is wrong with them. */
export function readValues(
  names: string[],
  types: Record<string, ParamType>,
  given: unknown,
): { ok: true; values: Value[] } | { ok: false; reason: string } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { ok: false, reason: 'params must be an object' }
  }
  const values = given as Record<string, unknown>
  const stranger = Object.keys(values).find((name) => !Object.hasOwn(types, name))
  if (stranger !== undefined) {
    return { ok: false, reason: `params.${stranger} is not a parameter of this statement` }
  }
  const read: Value[] = []
  for (const name of names) {
    const value = toValue(types[name] ?? 'text', values[name])
    if (value === undefined)
      return { ok: false, reason: `params.${name} must be ${WORDS[types[name] ?? 'text']}, or null` }
    read.push(value)
  }
  return { ok: true, values: read }
}

const WORDS: Record<ParamType, string> = {
  text: 'text',
  integer: 'a whole number',
  decimal: 'a number, as text such as "12.50"',
  boolean: 'true or false',
  date: 'a date such as 2026-07-31',
  timestamp: 'a time such as 2026-07-31T12:00:00Z',
  json: 'any JSON',
}

const FORMS: Partial<Record<ParamType, RegExp>> = {
  integer: /^-?\d{1,40}$/,
  decimal: /^-?\d{1,100}(\.\d{1,100})?$/,
  date: /^\d{4}-\d\d-\d\d$/,
  timestamp: /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/,
}

/** Engines take all of these as text, and so no digit is lost. Undefined: it is not of its type. */
function toValue(type: ParamType, value: unknown): Value | undefined {
  if (value === null) return null
  if (type === 'json') return value === undefined ? undefined : JSON.stringify(value)
  if (type === 'boolean') return typeof value === 'boolean' ? value : undefined
  const text = typeof value === 'number' && type !== 'text' ? String(value) : value
  if (typeof text !== 'string' || text.includes('\0')) return undefined
  const form = FORMS[type]
  return form === undefined || form.test(text) ? text : undefined
}
