import type { Http } from '../../modules/app.ts'

/** What the OpenAPI document says of each operation, as the tests that go through all of them need it. */
export type Operation = {
  id: string
  method: string
  /** With its parameters in braces, as the document has it. */
  path: string
  parameters: Parameter[]
  /** Of a JSON body; null where the operation takes none. */
  body: Schema | null
  /** A scope, `admin`, or `public`. */
  access: string
  is_list: boolean
}

export type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: Schema
  example?: unknown
}

/** JSON Schema, as far as our documents use it. */
export type Schema = {
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  allOf?: Schema[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  required?: string[]
  items?: Schema
  pattern?: string
  format?: string
  examples?: unknown[]
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minProperties?: number
  minimum?: number
  maximum?: number
}

type Described = {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
  'x-access'?: string
}

/** Every operation of the document that this server serves. */
export function operationsOf(http: Http): Operation[] {
  const document = http.swagger() as unknown as { paths: Record<string, Record<string, Described>> }
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => toOperation(path, method, described)),
  )
}

function toOperation(path: string, method: string, described: Described): Operation {
  const answer = described.responses['200']?.content?.['application/json']?.schema
  return {
    id: described.operationId,
    method: method.toUpperCase(),
    path,
    parameters: described.parameters ?? [],
    body: described.requestBody?.content['application/json']?.schema ?? null,
    access: described['x-access'] ?? 'public',
    is_list: method === 'get' && answer?.properties?.['data']?.type === 'array',
  }
}

/** The path with its braces filled; a value is sent as it is. */
export const fillPath = (path: string, values: Record<string, string>): string =>
  path.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? '_')

/** The list whose items a path parameter names: `/v1/sources` for `/v1/sources/{id}` and `/v1/proxy/{source}/…`. */
export function listBehind(path: string, parameter: string): string {
  if (parameter === 'id' || parameter === 'name') return path.slice(0, path.indexOf(`/{${parameter}}`))
  return `/v1/${parameter.replace(/_id$/, '')}s`
}

/** A value that the schema takes: an example where there is one, else the plainest that fits. */
export function sampleOf(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  const [example] = schema.examples ?? schema.enum ?? []
  if (example !== undefined) return example
  const [branch] = schema.anyOf ?? []
  if (branch) return sampleOf(branch)
  return (SAMPLES[schema.type ?? 'object'] ?? (() => null))(schema)
}

const SAMPLES: Record<string, (schema: Schema) => unknown> = {
  object: sampleObject,
  array: ({ items = {}, minItems = 1 }) => Array.from({ length: minItems }, () => sampleOf(items)),
  string: ({ format, minLength = 1 }) =>
    format === 'date-time' ? '2099-01-01T00:00:00Z' : 'x'.repeat(minLength),
  integer: ({ minimum = 1 }) => minimum,
  number: ({ minimum = 1 }) => minimum,
  boolean: () => false,
}

/** Its required fields, and of one that must hold some field the first. */
function sampleObject({
  properties = {},
  required = [],
  minProperties = 0,
}: Schema): Record<string, unknown> {
  const optional = Object.keys(properties).filter((name) => !required.includes(name))
  const names = [...required, ...optional.slice(0, Math.max(0, minProperties - required.length))]
  return Object.fromEntries(names.map((name) => [name, sampleOf(properties[name] ?? {})]))
}
