import { Problem } from '../../platform/errors.ts'

/** The webhooks of an OpenAPI document (3.1 `webhooks`, 3.0 `x-webhooks`), each as an event type. Pure. */

export type ImportedType = { description: string; schema: object; example: unknown; deprecated: boolean }
/** `because` says why there is no type in it. */
export type Imported = { name: string; because: string | null; type: ImportedType | null }

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const objectAt = (value: unknown, ...names: string[]): Json | null => {
  let at = value
  for (const name of names) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : null
  return isObject(at) ? at : null
}

const MOST_WEBHOOKS = 500
const NAME = /^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$/

export function readWebhooks(document: unknown): Imported[] {
  const webhooks = objectAt(document, 'webhooks') ?? objectAt(document, 'x-webhooks')
  if (!webhooks || Object.keys(webhooks).length > MOST_WEBHOOKS) {
    throw new Problem('invalid_request', {
      field: 'openapi',
      detail: `openapi must be an OpenAPI document with webhooks, at most ${MOST_WEBHOOKS} of them`,
    })
  }
  return Object.entries(webhooks).map(([name, item]) => readWebhook(document, name, item))
}

function readWebhook(document: unknown, name: string, item: unknown): Imported {
  const skipped = (because: string): Imported => ({ name, because, type: null })
  if (!NAME.test(name) || name.length > 128) return skipped('its name is no words with dots between')
  const operation = objectAt(resolve(document, item), 'post')
  const content = objectAt(resolve(document, operation?.['requestBody']), 'content')
  const media = Object.entries(content ?? {}).find(([type]) =>
    /^application\/(?:[\w.-]+\+)?json\b/.test(type),
  )?.[1]
  const whole = objectAt(media, 'schema')
  if (!operation || !whole) return skipped('it has no post with a JSON body and its schema')
  const { schema, example } = dataOf(document, whole, exampleOf(document, media))
  const closed = close(document, schema)
  if (closed === null) return skipped('its schema refers to what is not in the document')
  const { summary, description, deprecated } = operation
  const words = [summary, description].filter((text) => typeof text === 'string' && text !== '').join('. ')
  const type = {
    description: (words || name).slice(0, 1000),
    schema: closed,
    example,
    deprecated: deprecated === true,
  }
  return { name, because: null, type }
}

/** Of a body with `type` and `data`, as Standard Webhooks has it, the data: the rest is ours to write. */
function dataOf(document: unknown, whole: Json, example: unknown): { schema: Json; example: unknown } {
  const resolved = resolve(document, whole)
  const all = isObject(resolved) && Array.isArray(resolved['allOf']) ? resolved['allOf'] : []
  const parts = [resolved, ...all.map((part) => resolve(document, part))]
  const inParts = (name: string) =>
    parts.map((part) => objectAt(part, 'properties', name)).findLast((found) => found !== null)
  const data = inParts('data')
  if (!data || !inParts('type')) return { schema: whole, example }
  return { schema: data, example: isObject(example) ? (example['data'] ?? null) : null }
}

function exampleOf(document: unknown, media: unknown): unknown {
  if (!isObject(media)) return null
  const { example, examples } = media
  if (example !== undefined) return example
  const [first] = isObject(examples) ? Object.values(examples) : []
  return objectAt(resolve(document, first))?.['value'] ?? null
}

const SCHEMAS = '#/components/schemas/'

/** What a local reference points to; what is none, as it is. */
function resolve(document: unknown, value: unknown): unknown {
  const reference = isObject(value) ? value['$ref'] : undefined
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return value
  const names = reference.slice(2).split('/')
  return objectAt(document, ...names.map((one) => one.replaceAll('~1', '/').replaceAll('~0', '~')))
}

/** What OpenAPI 3.0 says in words of its own, as JSON Schema does: a value that may be null, a bound that is left out. */
function ofVersion30(schema: Json): Json {
  const { nullable, ...rest } = schema
  for (const [bound, exclusive] of BOUNDS) {
    if (typeof rest[exclusive] !== 'boolean') continue
    if (rest[exclusive]) rest[exclusive] = rest[bound]
    else delete rest[exclusive]
  }
  if (typeof nullable !== 'boolean') return nullable === undefined ? rest : { ...rest, nullable }
  if (!nullable) return rest
  const { description, ...bare } = rest
  return { ...(description !== undefined && { description }), anyOf: [bare, { type: 'null' }] }
}

const BOUNDS = [
  ['minimum', 'exclusiveMinimum'],
  ['maximum', 'exclusiveMaximum'],
] as const

/** A schema that stands alone: what it refers to in the document comes along under `$defs`. */
function close(document: unknown, schema: Json): object | null {
  const needed = new Map<string, unknown>()
  const is_30 = isObject(document) && String(document['openapi']).startsWith('3.0')
  let missing = false
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite)
    if (!isObject(value)) return value
    const members = Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string' ? take(member) : rewrite(member),
    ])
    const rewritten: Json = Object.fromEntries(members)
    return is_30 ? ofVersion30(rewritten) : rewritten
  }
  const take = (reference: string): string => {
    const name = reference.slice(SCHEMAS.length)
    const found = reference.startsWith(SCHEMAS) ? objectAt(document, 'components', 'schemas', name) : null
    if (!found) missing = true
    else if (!needed.has(name)) {
      needed.set(name, null) // before its own references, which may lead back here
      needed.set(name, rewrite(found))
    }
    return `#/$defs/${name}`
  }
  const closed = rewrite(schema) as Json
  if (missing) return null
  return needed.size === 0 ? closed : { ...closed, $defs: Object.fromEntries(needed) }
}
