import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import { Problem } from '../platform/errors.ts'

/** What ajv says, with `verbose`: the schema it stood at and the value it looked at. */
type Violation = FastifySchemaValidationError & {
  data?: unknown
  parentSchema?: Record<string, unknown> & { properties?: Record<string, unknown>; anyOf?: unknown[] }
}

const PLACES: Record<string, string> = {
  body: 'field',
  querystring: 'query parameter',
  params: 'path parameter',
  headers: 'header',
}

/** Turns ajv's findings into a problem that names the field, the reason and the remedy. Echoes no value. */
export function validationProblem(violations: FastifySchemaValidationError[], context: string): Problem {
  const violation = mostTelling(violations as Violation[])
  const place = PLACES[context] ?? 'field'
  const field = fieldOf(violation)
  const reason = reasonOf(violation)
  if (field === '') {
    const detail = isAbsent(violation.data) ? 'A JSON body is required here.' : `The ${context} ${reason}.`
    return new Problem('invalid_request', { field: context, detail, errors: [{ field: context, reason }] })
  }
  return new Problem('invalid_request', {
    field,
    detail: `The ${place} ${field} ${reason}.`,
    errors: [{ field, reason }],
  })
}

const isAbsent = (data: unknown): boolean => data === undefined || data === null

/**
 * A union reports each of its branches and then itself. The branch that got furthest into the value says
 * more than the union, unless all of them failed where they began.
 */
function mostTelling(violations: Violation[]): Violation {
  const union = violations.findLast(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  const first = violations[0] as Violation
  if (!union) return first
  const tagged = ofItsKind(union, violations)
  if (tagged !== null) return tagged
  const inside = violations.filter((v) => v !== union && !isNullBranch(v))
  const deeper = inside.filter((v) => v.instancePath.length > union.instancePath.length)
  if (deeper.length > 0)
    return deeper.reduce((a, b) => (b.instancePath.length > a.instancePath.length ? b : a))
  const strayed = inside.find(({ keyword }) => keyword === 'required' || keyword === 'additionalProperties')
  return (inside.length === 1 ? inside[0] : strayed) ?? union
}

/**
 * Where the branches of a union are told apart by a constant (`kind`), only the branch that was meant has something to
 * say; where none was meant, the constants have. Null where no constant tells them apart.
 */
function ofItsKind(union: Violation, violations: Violation[]): Violation | null {
  const branches = (union.parentSchema?.[union.keyword] ?? []) as unknown[]
  const tag = tagOf(branches)
  if (tag === null || !isRecord(union.data)) return null
  const given = union.data[tag]
  const meant = branches.findIndex((branch) => constantsOf(branch, tag).includes(given))
  if (meant >= 0) {
    const inside = violations.filter((v) => v.schemaPath.startsWith(`${union.schemaPath}/${meant}/`))
    return inside.length === 0 ? null : mostTelling(inside)
  }
  const allowedValues = [...new Set(branches.flatMap((branch) => constantsOf(branch, tag)))]
  return {
    ...union,
    keyword: 'enum',
    params: { allowedValues },
    instancePath: `${union.instancePath}/${tag}`,
  }
}

/** The name that is a constant in every branch. */
function tagOf(branches: unknown[]): string | null {
  const names = Object.keys(firstObject(branches[0])?.properties ?? {})
  return names.find((name) => branches.every((branch) => constantsOf(branch, name).length > 0)) ?? null
}

type ObjectSchema = { properties?: Record<string, unknown>; anyOf?: unknown[] }

const firstObject = (branch: unknown): ObjectSchema | undefined => {
  if (!isRecord(branch)) return undefined
  return Array.isArray(branch['anyOf']) ? firstObject(branch['anyOf'][0]) : branch
}

/** What `name` may be in a branch, which may be a union itself. */
function constantsOf(branch: unknown, name: string): unknown[] {
  if (!isRecord(branch)) return []
  const { anyOf, properties } = branch as ObjectSchema
  if (anyOf) return anyOf.flatMap((inner) => constantsOf(inner, name))
  return constantsIn(properties?.[name])
}

function constantsIn(property: unknown): unknown[] {
  if (!isRecord(property)) return []
  if ('const' in property) return [property['const']]
  return Array.isArray(property['anyOf']) ? property['anyOf'].flatMap(constantsIn) : []
}

const isNullBranch = ({ keyword, params }: Violation): boolean =>
  keyword === 'type' && params['type'] === 'null'

/** `/items/0/name` as `items.0.name`, with the missing or surplus name at its end. */
function fieldOf({ instancePath, keyword, params }: Violation): string {
  const path = instancePath.split('/').slice(1).map(unescapePointer)
  if (keyword === 'required') path.push(String(params['missingProperty']))
  if (keyword === 'additionalProperties') path.push(String(params['additionalProperty']).slice(0, 100))
  return path.join('.')
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

function reasonOf(violation: Violation): string {
  return (REASONS[violation.keyword] ?? otherwise)(violation)
}

const otherwise = ({ message }: Violation): string => message ?? 'does not fit the schema'

const REASONS: Record<string, (violation: Violation) => string> = {
  required: () => 'is required',
  additionalProperties: ({ parentSchema }) =>
    notTaken(parentSchema) ?? `is not known here; ${known(parentSchema?.properties)}`,
  type: ({ params, data }) => `must be ${articled(params['type'])}, not ${kindOf(data)}`,
  enum: ({ params }) => `must be one of ${listed(params['allowedValues'])}`,
  const: ({ params }) => `must be ${JSON.stringify(params['allowedValue'])}`,
  anyOf: ({ parentSchema }) => choices(parentSchema?.anyOf ?? []),
  pattern: ({ params, parentSchema }) => expected(parentSchema) ?? `must match ${params['pattern']}`,
  format: ({ params, parentSchema }) => `must be a ${params['format']}${suchAs(parentSchema)}`,
  minLength: ({ params }) => `must have at least ${counted(params['limit'], 'character')}`,
  maxLength: ({ params }) => `must have at most ${counted(params['limit'], 'character')}`,
  minItems: ({ params }) => `must have at least ${counted(params['limit'], 'item')}`,
  maxItems: ({ params }) => `must have at most ${counted(params['limit'], 'item')}`,
  uniqueItems: () => 'must not name the same item twice',
  minProperties: ({ params }) => `must have at least ${counted(params['limit'], 'field')}`,
  maxProperties: ({ params }) => `must have at most ${counted(params['limit'], 'field')}`,
  minimum: ({ params }) => `must be at least ${params['limit']}`,
  maximum: ({ params }) => `must be at most ${params['limit']}`,
}

function expected(schema: Violation['parentSchema']): string | undefined {
  const description = schema?.['description']
  const example = suchAs(schema)
  if (typeof description === 'string')
    return `must be as described: ${description.replace(/\.$/, '')}${example}`
  return example === '' ? undefined : `must look right${example}`
}

function suchAs(schema: Violation['parentSchema']): string {
  const examples = schema?.['examples']
  return Array.isArray(examples) && examples.length > 0 ? `, such as ${String(examples[0])}` : ''
}

/** Where the names of a map have a pattern. */
function notTaken(schema: Violation['parentSchema']): string | undefined {
  const [pattern] = Object.keys((schema?.['patternProperties'] as object | undefined) ?? {})
  return pattern && `is a name that is not taken here; it must match ${pattern}`
}

function known(properties: Record<string, unknown> | undefined): string {
  const names = Object.keys(properties ?? {})
  return names.length === 0 ? 'leave it out' : `leave it out, or mean one of ${names.join(', ')}`
}

function choices(branches: unknown[]): string {
  const constants = branches.flatMap((b) => (isRecord(b) && 'const' in b ? [b['const']] : []))
  if (constants.length > 0) return `must be one of ${listed(constants)}`
  const types = branches.flatMap((b) => (isRecord(b) && typeof b['type'] === 'string' ? [b['type']] : []))
  return types.length > 0
    ? `must be ${types.map(articled).join(' or ')} as the schema says`
    : 'fits none of the forms allowed'
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const listed = (values: unknown): string => (values as unknown[]).map((v) => String(v)).join(', ')
const counted = (n: unknown, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

function articled(type: unknown): string {
  if (Array.isArray(type)) return type.map(articled).join(' or ')
  if (type === 'null') return 'null'
  return `${/^[aeio]/.test(String(type)) ? 'an' : 'a'} ${type}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return value === undefined ? 'absent' : articled(typeof value)
}
