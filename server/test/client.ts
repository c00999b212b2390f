/** The types of our API for whoever calls it from TypeScript, printed from its OpenAPI document for `openapi-fetch`. */

type Json = Record<string, unknown>
type Parameter = { name: string; in: string; required?: boolean; schema: Json }
type Operation = { parameters?: Parameter[]; requestBody?: Body & { required?: boolean }; responses: Json }
type Body = { content?: Record<string, { schema?: Json }> }

const PLACES = ['query', 'header', 'path', 'cookie']

export function clientTypes(document: Json): string {
  const paths = document['paths'] as Record<string, Record<string, Operation>>
  const { schemas = {} } = (document['components'] ?? {}) as { schemas?: Record<string, Json> }
  const components = Object.entries(schemas).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema)}`,
  )
  const items = Object.entries(paths).map(([path, item]) => {
    const methods = Object.entries(item).map(
      ([method, operation]) => `    ${method}: ${operationType(operation)}`,
    )
    return `  '${path}': {\n${methods.join('\n')}\n  }`
  })
  return `// Printed from openapi.json by \`npm run generate\`.\n\n${components.join('\n')}\n\nexport type paths = {\n${items.join('\n')}\n}\n`
}

function operationType({ parameters = [], requestBody, responses }: Operation): string {
  const places = PLACES.map((place) => {
    const here = parameters.filter((one) => one.in === place)
    if (here.length === 0) return `${place}?: never`
    const is_needed = here.some(({ required }) => required)
    const fields = here.map(({ name, required, schema }) => field(name, required, schema))
    return `${place}${is_needed ? '' : '?'}: { ${fields.join('; ')} }`
  })
  const body = requestBody
    ? `requestBody${requestBody.required ? '' : '?'}: ${contentType(requestBody)}`
    : 'requestBody?: never'
  const answers = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([status, response]) => `${status}: ${answerType(response as Body)}`)
  return `{ parameters: { ${places.join('; ')} }; ${body}; responses: { ${[...answers, REFUSAL].join('; ')} } }`
}

/** Whatever is not done is answered by one shape. */
const REFUSAL = "default: { content: { 'application/problem+json': Problem } }"

const answerType = (response: Body): string =>
  'content' in response ? contentType(response) : '{ content?: never }'

const contentType = ({ content = {} }: Body): string =>
  `{ content: { ${Object.entries(content)
    .map(([type, { schema = {} }]) => `'${type}': ${typeOf(schema)}`)
    .join('; ')} } }`

const field = (name: string, required: boolean | undefined, schema: Json): string =>
  `${/^[a-z_]\w*$/i.test(name) ? name : `'${name}'`}${required ? '' : '?'}: ${typeOf(schema)}`

function typeOf(schema: Json): string {
  const { $ref, anyOf, oneOf, allOf, enum: values, type } = schema as Record<string, unknown>
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1)
  const several = (anyOf ?? oneOf) as Json[] | undefined
  if (several) return [...new Set(several.map(typeOf))].join(' | ')
  if (allOf) return (allOf as Json[]).map(typeOf).join(' & ')
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ')
  if (type === 'array') return `(${schema['items'] ? typeOf(schema['items'] as Json) : 'unknown'})[]`
  if (type === 'object') return objectType(schema)
  if (type === 'integer' || type === 'number') return 'number'
  return type === 'string' || type === 'boolean' || type === 'null' ? type : 'unknown'
}

function objectType({ properties, required, additionalProperties }: Json): string {
  const needed = new Set((required ?? []) as string[])
  const fields = Object.entries((properties ?? {}) as Record<string, Json>).map(([name, schema]) =>
    field(name, needed.has(name), schema),
  )
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  const rest = typeof additionalProperties === 'object' ? typeOf(additionalProperties as Json) : 'unknown'
  return `Record<string, ${rest}>`
}
