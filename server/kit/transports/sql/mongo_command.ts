import { instantOf } from './calendar.ts'
import type { Bound, Grammar, ParamType, Statement, Value } from './statement.ts'

/**
 * A statement of MongoDB is a command in Extended JSON, with `":name"` where a value stands:
 * `{"find": "invoice", "filter": {"document": ":document"}}`. A value stays a value wherever it lands: it names no
 * collection and no field, and is no operator and no code, whatever it holds.
 */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Command = { [key: string]: Json }

export const mongoGrammar: Grammar = { bind, ping: '{"ping": 1}', fault }

const READS = ['find', 'aggregate', 'count', 'distinct', 'ping']
const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'aggregate']
/** What the engine says itself. */
const OURS = ['cursor', 'batchSize', 'singleBatch', 'tailable', 'maxTimeMS', 'explain', 'lsid', 'txnNumber']
/** Text below these is code. */
const CODE = ['$where', '$function', '$accumulator']
/** In a pipeline, text under these names a collection or a field. */
const NAMING = [
  ...['from', 'coll', 'into', 'db', 'as', 'field', 'path', 'localField', 'foreignField', 'on'],
  ...['connectFromField', 'connectToField', 'includeArrayIndex', 'distanceField', 'newRoot'],
  ...['$unionWith', '$out', '$merge', '$unset', '$unwind', '$count', '$getField', '$meta'],
]

/** In an expression, text that begins with $ is the name of a field; to be compared with, it is plain text. */
type Ground = 'plain' | 'expression'
/** A `":name"` in the command: where it stands, from the outermost key to its own. */
type Place = { name: string; ground: Ground; keys: readonly string[] }

/** Of the arguments of a command. */
const EXPRESSIONS = ['pipeline', 'projection', 'fields', 'let']
const PLAIN_STAGES = ['$match', '$search', '$searchMeta', '$vectorSearch', '$geoNear']

function bind(text: string): Bound {
  const names = new Set<string>()
  withValues(parsed(text) ?? {}, ({ name }) => {
    names.add(name)
    return null
  })
  return { text, names: [...names] }
}

/** The command with what `valueIn` says in each of its places. */
function withValues(command: Command, valueIn: (place: Place) => Json): Json {
  const walk = (value: Json, ground: Ground, keys: readonly string[]): Json => {
    const name = typeof value === 'string' ? /^:([a-z_]\w*)$/i.exec(value)?.[1] : undefined
    if (name !== undefined) return valueIn({ name, ground, keys })
    if (Array.isArray(value)) return value.map((one) => walk(one, ground, keys))
    if (!isObject(value)) return value
    const members = Object.entries(value).map(([key, inner]) => {
      const path = [...keys, key]
      return [key, walk(inner, groundOf(path, inner, ground), path)] as const
    })
    return Object.fromEntries(members)
  }
  return walk(command, 'plain', [])
}

function groundOf(path: readonly string[], value: Json, around: Ground): Ground {
  const key = path.at(-1) ?? ''
  if (path.length === 1 && EXPRESSIONS.includes(key)) return 'expression'
  if (isPipelineOfChanges(path) && Array.isArray(value)) return 'expression'
  if (key === '$expr') return 'expression'
  return PLAIN_STAGES.includes(key) ? 'plain' : around
}

const isPipelineOfChanges = ([first, second, ...more]: readonly string[]): boolean =>
  more.length === 0 &&
  ((first === 'update' && second === undefined) || (first === 'updates' && second === 'u'))

function parsed(text: string): Command | null {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const isObject = (value: Json): value is Command =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function fault({ text, kind }: Statement): string | null {
  const command = parsed(text)
  if (!command) return 'must be a command of MongoDB, as a JSON object'
  const [verb = '', ...rest] = Object.keys(command)
  const allowed = kind === 'read' ? READS : WRITES
  if (!allowed.includes(verb)) return `must begin with one of ${allowed.join(', ')}, since it is a ${kind}`
  const collection = command[verb]
  if (verb !== 'ping' && (typeof collection !== 'string' || /^(:|$)/.test(collection)))
    return `must name its collection: {"${verb}": "invoice", …}`
  const strange = rest.find((key) => OURS.includes(key) || key.startsWith('$'))
  if (strange !== undefined) return `must not hold ${strange}: max_rows and the timeout say it`
  const output = kind === 'read' && keysIn(command).find((key) => key === '$out' || key === '$merge')
  if (output) return `must be a write, since it holds ${output}`
  return faultOfPlaces(command)
}

function faultOfPlaces(command: Command): string | null {
  let wrong: string | null = null
  withValues(command, ({ name, ground, keys }) => {
    const code = keys.find((key) => CODE.includes(key))
    const own = keys.at(-1) ?? ''
    const is_name = own === 'key' ? keys.length === 1 : ground === 'expression' && NAMING.includes(own)
    if (code) wrong = `must not hold :${name} below ${code}, where text is code`
    else if (is_name) wrong = `must not hold :${name} as ${own}, which is a name and no value`
    return null
  })
  return wrong
}

function keysIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(keysIn)
  return isObject(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]) : []
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

type Given = { names: readonly string[]; types: readonly ParamType[]; values: readonly Value[] }

/** The command with its values, in canonical Extended JSON; or why a value cannot stand where it would. */
export function fill(text: string, { names, types, values }: Given): { command: Json } | { reason: string } {
  const reasons: string[] = []
  const command = withValues(parsed(text) ?? {}, ({ name, ground }) => {
    const at = names.indexOf(name)
    const value = toExtended(types[at] ?? 'text', values[at] ?? null)
    if ('reason' in value) {
      reasons.push(`params.${name} ${value.reason}`)
      return null
    }
    const is_field = ground === 'expression' && textsIn(value.json).some((one) => one.startsWith('$'))
    return is_field ? { $literal: value.json } : value.json
  })
  return reasons[0] === undefined ? { command } : { reason: reasons[0] }
}

type Extended = { json: Json } | { reason: string }

function toExtended(type: ParamType, value: Value): Extended {
  if (value === null || typeof value === 'boolean') return { json: value }
  if (type === 'integer') return fitsLong(value) ? { json: { $numberLong: value } } : TOO_LONG
  if (type === 'decimal') return { json: { $numberDecimal: value } }
  if (type === 'date' || type === 'timestamp') {
    const at = instantOf(value)
    return at ? { json: { $date: at.toISOString() } } : { reason: 'is no day of the calendar' }
  }
  return type === 'json' ? toDocument(value) : { json: value }
}

const TOO_LONG = { reason: 'is longer than the 64 bits of an integer' }

const fitsLong = (digits: string): boolean => BigInt.asIntN(64, BigInt(digits)) === BigInt(digits)

type Reviver = (key: string, value: Json, context: { source?: string }) => Json
// The standard library's types do not know the third argument yet.
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => Json

/** Any JSON, with every digit of its whole numbers; a key of it that begins with $ would be an operator. */
function toDocument(text: string): Extended {
  const operator = keysIn(JSON.parse(text) as Json).find((key) => key.startsWith('$'))
  if (operator !== undefined)
    return { reason: `must not hold ${operator}: a key that begins with $ is no value` }
  let fits = true
  const json = parseWithSource(text, (_key, value, { source = '' }) => {
    if (typeof value !== 'number' || !/^-?\d{16,}$/.test(source)) return value
    fits &&= fitsLong(source)
    return { $numberLong: source }
  })
  return fits ? { json } : TOO_LONG
}
