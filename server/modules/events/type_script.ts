import type { EventTypeRow } from './queries.ts'

/** The catalog as TypeScript declarations, from the JSON Schemas of its types. Pure. */

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function typeScriptOf(types: readonly EventTypeRow[]): string {
  const names = [...new Set(types.map(({ name }) => name))].sort()
  const named = namesOf(types)
  const versionsOf = (name: string) => types.filter((one) => one.name === name)
  const nameOf = (type: EventTypeRow) => named.get(type) ?? ''
  const declared = names.flatMap((name) => versionsOf(name).map((type) => declaration(type, nameOf(type))))
  const members = names.map(
    (name) => `  ${JSON.stringify(name)}: ${versionsOf(name).map(nameOf).join(' | ')}`,
  )
  return `${HEAD}
${declared.join('\n\n')}

/** The data of each type, in all its versions. */
export type EventData = {
${members.join('\n')}
}

export type EventType = keyof EventData

/** The body of a webhook: narrow it by its \`type\`. */
export type WebhookEvent<T extends EventType = EventType> = {
  [K in T]: { type: K; timestamp: string; data: EventData[K] }
}[T]
`
}

const HEAD = '// The event types of this catalog. Printed from it; do not change it by hand.\n'

const MOST_DEPTH = 20

function declaration(type: EventTypeRow, name: string): string {
  const definitions = isObject(type.schema) && isObject(type.schema['$defs']) ? type.schema['$defs'] : {}
  const known = new Map(Object.keys(definitions).map((key) => [key, `${name}${toName(key)}`]))
  const deprecated = type.deprecated_at === null ? [] : [`@deprecated ${type.deprecation ?? ''}`.trim()]
  const lines = [
    ...comment([`\`${type.name}\`, version ${type.version}: ${type.description}`, ...deprecated], ''),
    `export type ${name} = ${typeOf(type.schema, known, '', 0)}`,
  ]
  for (const [key, schema] of Object.entries(definitions)) {
    lines.push('', `export type ${known.get(key)} = ${typeOf(schema, known, '', 0)}`)
  }
  return lines.join('\n')
}

/** `order.shipped` and `order_shipped` would both be `OrderShipped`: the second gets a number. */
function namesOf(types: readonly EventTypeRow[]): Map<EventTypeRow, string> {
  const taken = new Set(RESERVED)
  return new Map(
    types.map((type) => {
      const plain = toName(type.name) + (type.version === 1 ? '' : `V${type.version}`)
      let name = plain
      for (let n = 2; taken.has(name); n++) name = `${plain}_${n}`
      taken.add(name)
      return [type, name]
    }),
  )
}

const RESERVED = ['EventData', 'EventType', 'WebhookEvent', 'Record']

/** `payment.partially_refunded` is `PaymentPartiallyRefunded`; a name that begins with a digit gets a letter first. */
const toName = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
    .replace(/^(?=[0-9]|$)/, 'T')

type Known = ReadonlyMap<string, string>

function typeOf(schema: unknown, known: Known, indent: string, depth: number): string {
  if (!isObject(schema) || depth > MOST_DEPTH) return schema === false ? 'never' : 'unknown'
  const reference = schema['$ref']
  if (typeof reference === 'string') return known.get(reference.replace('#/$defs/', '')) ?? 'unknown'
  if ('const' in schema) return literal(schema['const'])
  if (Array.isArray(schema['enum'])) return union(schema['enum'].map(literal))
  const inner = (one: unknown) => typeOf(one, known, indent, depth + 1)
  for (const key of ['anyOf', 'oneOf'] as const) {
    const options = schema[key]
    if (Array.isArray(options)) return union(options.map(inner))
  }
  if (Array.isArray(schema['allOf'])) return schema['allOf'].map(inner).map(inBrackets).join(' & ')
  const types = [schema['type']].flat()
  return union(types.map((type) => plainType(type, schema, known, indent, depth)))
}

function plainType(type: unknown, schema: Json, known: Known, indent: string, depth: number): string {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return String(type)
    case 'number':
    case 'integer':
      return 'number'
    case 'array':
      return `${inBrackets(typeOf(schema['items'], known, indent, depth + 1))}[]`
    default:
      return type === 'object' || isObject(schema['properties'])
        ? objectType(schema, known, indent, depth)
        : 'unknown'
  }
}

function objectType(schema: Json, known: Known, indent: string, depth: number): string {
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const rest = schema['additionalProperties']
  if (properties.length === 0) {
    return `Record<string, ${isObject(rest) ? typeOf(rest, known, indent, depth + 1) : 'unknown'}>`
  }
  const deeper = `${indent}  `
  const members = properties.flatMap(([name, member]) => {
    const words = isObject(member) && typeof member['description'] === 'string' ? [member['description']] : []
    const optional = required.includes(name) ? '' : '?'
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
    return [
      ...comment(words, deeper),
      `${deeper}${key}${optional}: ${typeOf(member, known, deeper, depth + 1)}`,
    ]
  })
  return `{\n${members.join('\n')}\n${indent}}`
}

const literal = (value: unknown): string =>
  isObject(value) || Array.isArray(value) ? 'unknown' : JSON.stringify(value)

const union = (types: readonly string[]): string =>
  types.length === 0 ? 'never' : [...new Set(types)].join(' | ')

const inBrackets = (type: string): string =>
  /[|&]/.test(type.replace(/\{[\s\S]*\}/, '')) ? `(${type})` : type

/** What somebody wrote may hold the end of a comment. */
function comment(lines: readonly string[], indent: string): string[] {
  const safe = lines.flatMap((line) => line.replaceAll('*/', '*\u200b/').split(/\r?\n|\u2028|\u2029/))
  if (safe.length === 0) return []
  if (safe.length === 1) return [`${indent}/** ${safe[0]} */`]
  return [`${indent}/**`, ...safe.map((line) => `${indent} * ${line}`), `${indent} */`]
}
