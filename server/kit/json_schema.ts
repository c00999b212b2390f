import { _, type CodeKeywordDefinition, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { RE2JS } from 're2js'
import Format from 'typebox/format'
import { compilePattern } from './pattern.ts'

/**
 * A tenant's JSON Schema, judged where others wait for the same thread: it is compiled once and kept, its patterns
 * are RE2, and all that it does with one value is counted. Nothing it says can take long: not a pattern, not
 * references that double at each level, not a thousand conditions over a million elements.
 */

/** What one schema may do with one value: about 100 ms. */
const MOST_STEPS = 5_000_000
const MOST_CHARACTERS = 131_072

type SchemaFault = {
  keyword: string
  instancePath: string
  message: string
  params: { requiredProperties?: string[]; additionalProperty?: string }
}

/** Why a schema, or a value against it, cannot be judged at all, in words that go on from its name. */
export class Unjudged extends Error {}

let left = 0

function spend(steps: number): void {
  left -= steps
  if (left < 0) throw new Unjudged('does too much with data of this size')
}

const kept = new WeakMap<object, ValidateFunction | Unjudged>()

/** What keeps a value from fitting, nothing where it fits; throws `Unjudged`. More steps are for who can be ended. */
export function misfitsOf(schema: object, value: unknown, most_steps = MOST_STEPS): readonly SchemaFault[] {
  const check = checkOf(schema)
  left = most_steps
  try {
    return check(value) ? [] : (check.errors ?? []).map(toFault)
  } catch (error) {
    throw error instanceof Unjudged ? error : new Unjudged(`fails: ${wordsOf(error)}`)
  }
}

/** To be said where a schema is set; throws `Unjudged`. */
export function refuseUnjudged(schema: object): void {
  if (JSON.stringify(schema).length > MOST_CHARACTERS) {
    throw new Unjudged(`must not be longer than ${MOST_CHARACTERS} characters`)
  }
  checkOf(schema)
}

function checkOf(schema: object): ValidateFunction {
  const check = kept.get(schema) ?? compiled(schema)
  kept.set(schema, check)
  if (check instanceof Unjudged) throw check
  return check
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, 300)

/** As `toFieldErrors` reads them. */
const toFault = ({ keyword, instancePath, message = 'does not fit', params }: ErrorObject): SchemaFault => ({
  ...{ keyword, instancePath, message },
  params: keyword === 'required' ? { requiredProperties: [params['missingProperty']] } : params,
})

/** Where the newest draft does not know a form (a list as `items`), the one before it may. */
function compiled(schema: object): ValidateFunction | Unjudged {
  const read = JSON.parse(JSON.stringify(schema), withoutOpenApi)
  try {
    return ajvOf(Ajv2020).compile(read)
  } catch (error) {
    try {
      return ajvOf(Ajv2019).compile(read)
    } catch {
      return error instanceof Unjudged ? error : new Unjudged(`is not valid JSON Schema: ${wordsOf(error)}`)
    }
  }
}

/** What OpenAPI 3.0 writes where JSON Schema has other forms says nothing; and none answers later. */
const withoutOpenApi = (key: string, value: unknown): unknown =>
  typeof value === 'boolean' && /^(nullable|\$async|exclusiveM(in|ax)imum)$/.test(key) ? undefined : value

/** One for each schema: tenants share no names of schemas. */
function ajvOf(Kind: typeof Ajv2019 | typeof Ajv2020) {
  const ajv = new Kind({
    allErrors: true,
    strict: false,
    logger: false,
    meta: false, // the drafts' own schemas cost more to read than a fault in one costs to find without them
    validateSchema: false,
    inlineRefs: false, // else what is small as it is written need not be as it is compiled
    formats: Object.fromEntries(Format.Entries()),
    code: { regExp } as never,
  })
  ajv.removeKeyword('id').removeKeyword('uniqueItems')
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: isUnique })
  for (const rule of Object.values(ajv.RULES.all)) {
    if (typeof rule === 'object' && 'code' in rule.definition) rule.definition = counted(rule.definition)
  }
  return ajv
}

// Ajv tells patterns apart by `toString`.
const regExp = Object.assign((pattern: string) => ({ test: testOf(pattern), toString: () => pattern }), {
  code: 're2',
})

function testOf(pattern: string): (text: string) => boolean {
  const found = compilePattern(RE2JS.translateRegExp(pattern))
  if (typeof found === 'string') throw new Unjudged(`has a pattern that ${found}: ${pattern.slice(0, 100)}`)
  return (text) => found(text, spend)
}

/** These look at each member of an object; the others at those that the schema names. */
const OF_MEMBERS = new Set([
  'additionalProperties',
  'maxProperties',
  'minProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
])
/** These compare whole values. */
const OF_VALUES = new Set(['const', 'enum'])

/** The keyword, and before it what it costs. */
function counted<T extends CodeKeywordDefinition>(definition: T): T {
  const code: CodeKeywordDefinition['code'] = (at, type) => {
    const written = OF_VALUES.has(at.keyword) ? JSON.stringify(at.schema) : Object.keys(Object(at.schema))
    const steps = 1 + Math.ceil(written.length / 4)
    const count = at.gen.scopeValue('func', { ref: spendOn })
    at.gen.code(_`${count}(${steps}, ${at.data}, ${OF_MEMBERS.has(at.keyword)})`)
    definition.code(at, type)
  }
  return { ...definition, code }
}

const spendOn = (steps: number, value: unknown, of_members: boolean): void =>
  spend(steps + sizeOf(value, of_members))

/** How much there is to look at, side by side. */
function sizeOf(value: unknown, of_members: boolean): number {
  if (typeof value === 'string') return value.length / 8
  if (Array.isArray(value)) return value.length / 4
  return of_members && typeof value === 'object' && value !== null ? Object.keys(value).length * 8 : 0
}

/** Ajv's own compares each element with each. */
function isUnique(wanted: boolean, list: unknown[]): boolean {
  if (!wanted) return true
  const texts = list.map((one) => JSON.stringify(one, inOrder))
  spend(texts.reduce((sum, text) => sum + text.length / 8, list.length))
  return new Set(texts).size === list.length
}

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
