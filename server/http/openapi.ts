import swagger from '@fastify/swagger'
import reference from '@scalar/fastify-api-reference'
import type { App, Http } from '../modules/app.ts'
import { ERRORS } from '../platform/errors.ts'
import type { Route, RouteTable } from './route_table.ts'

type Json = Record<string, unknown>
type Operation = Json & { operationId?: string; parameters?: unknown[]; responses?: Json }
type Document = Json & { paths?: Record<string, Record<string, Operation>>; components?: Json }

/** Serves the description of the API, made from the routes themselves, and a page that reads it to people. */
export async function openapi(http: Http, app: App, routes: RouteTable): Promise<void> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trilho',
        version: '1',
        description: INTRODUCTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: app.config.public_url ?? '/' }],
      components: { securitySchemes: SECURITY },
    },
    transformObject: (input) => {
      const document = ('openapiObject' in input ? input.openapiObject : input.swaggerObject) as Document
      return complete(document, routes.all()) as never
    },
  })
  http.get(
    '/openapi.json',
    { config: { access: 'public' }, schema: { hide: true } },
    async (_request, reply) => reply.header('cache-control', 'no-cache').send(http.swagger()),
  )
  await http.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
    },
  })
}

const INTRODUCTION = `Every address under \`/v1\` takes and gives JSON. Unknown fields are refused, nothing is coerced.

Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`, a \`detail\` that says which field, why and what to do, and the \`request_id\` that the log knows.

Lists are newest first; \`next_cursor\` of one page is \`cursor\` of the next. A change may carry an \`Idempotency-Key\`: it runs once, and whoever repeats it within 24 hours gets the same answer.`

const SECURITY = {
  api_key: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key (`trl_live_…`, `trl_test_…`) or an admin key.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'trilho_session',
    description:
      'A person who signed in (`POST /v1/session`); over https the cookie is `__Host-trilho_session`. A change carries the header `trilho-csrf` as well; `trilho-environment` chooses live or test.',
  },
  portal: {
    type: 'http',
    scheme: 'bearer',
    description:
      'The token of a link to the portal (`trl_portal_…`): for one customer, and for these routes alone.',
  },
  oauth: {
    type: 'oauth2',
    description: 'An access token of a client, valid for an hour.',
    flows: { clientCredentials: { tokenUrl: '/oauth/token', scopes: {} } },
  },
} as const

/** What every operation shares is said once here rather than in every route. */
function complete(document: Document, routes: readonly Route[]): Document {
  const used = new Map<string, number>()
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(item)) {
      const route = routes.find(
        (r) => r.operation_id === operation.operationId && r.methods.includes(method.toUpperCase()),
      )
      if (!route) continue
      describe(operation, method, path, route)
      nameOnce(operation, method, used)
    }
  }
  document.paths = nameWildcards(document.paths ?? {})
  document.components = {
    ...document.components,
    schemas: { ...(document.components?.['schemas'] as Json), Problem: PROBLEM },
  }
  document.components['responses'] = Object.fromEntries(
    Object.entries(RESPONSES).map(([status, description]) => [`Problem${status}`, problem(description)]),
  )
  return document
}

/** `{*}` is the framework's word for the rest of a path; a client wants a parameter with a name. */
function nameWildcards(paths: Record<string, Record<string, Operation>>) {
  for (const operation of Object.values(paths).flatMap(Object.values<Operation>)) {
    for (const parameter of (operation.parameters ?? []) as { in: string; name: string }[]) {
      if (parameter.in === 'path' && parameter.name === '*') parameter.name = 'rest'
    }
  }
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [path.replace('{*}', '{rest}'), item]),
  )
}

function describe(operation: Operation, method: string, path: string, route: Route): void {
  const is_public = route.access === 'public'
  const in_v1 = path.startsWith('/v1/')
  const changes = method !== 'get' && method !== 'head'
  operation['security'] = securityOf(route)
  if (!is_public) operation['x-access'] = route.access
  const parameters = operation.parameters ?? []
  if (in_v1 && changes && !is_public) parameters.push(IDEMPOTENCY_KEY)
  if (in_v1) parameters.push(TENANT)
  if (parameters.length > 0) operation.parameters = parameters
  if (path.startsWith('/oauth/')) return // RFC 6749 has its own errors
  const statuses = [
    400,
    ...(is_public && !(in_v1 && changes) ? [] : [401, 403, 429]), // who signs in may be refused too
    404,
    ...(in_v1 && changes ? [409, 413, 415, 422] : []),
    500,
    503,
  ]
  const responses = operation.responses ?? {}
  for (const status of statuses) responses[status] ??= { $ref: `#/components/responses/Problem${status}` }
  operation.responses = responses
}

function securityOf({ access }: Route): Record<string, string[]>[] {
  if (access === 'public') return []
  if (access === 'member') return [{ session: [] }]
  if (access === 'portal' || access === 'portal_edit') return [{ portal: [] }]
  return [{ api_key: [] }, { oauth: access === 'admin' ? [] : [access] }, { session: [] }]
}

/** A route of several methods has one operationId; the document wants one each. */
function nameOnce(operation: Operation, method: string, used: Map<string, number>): void {
  const name = operation.operationId ?? ''
  const times = used.get(name) ?? 0
  used.set(name, times + 1)
  if (times > 0) operation.operationId = `${name}_${method}`
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Makes repeating safe: the request runs once, and its answer is given again for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
}
const TENANT = {
  name: 'Trilho-Tenant',
  in: 'header',
  required: false,
  description: 'For an administrator, or a person of several tenants: the one to act on.',
  schema: { type: 'string', pattern: '^tnt_[0-9a-hjkmnp-tv-z]{26}$' },
}

const RESPONSES: Record<number, string> = Object.fromEntries(
  [...Map.groupBy(Object.entries(ERRORS), ([, { status }]) => status)].map(([status, errors]) => [
    status,
    errors.map(([code, { title }]) => `\`${code}\`: ${title}.`).join(' '),
  ]),
)

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})

const text = (description: string) => ({ type: 'string', description })
const PROBLEM = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'code', 'status', 'title', 'detail', 'request_id'],
  properties: {
    type: text('urn:trilho:error:<code>'),
    code: { ...text('Stable, for programs'), enum: Object.keys(ERRORS) },
    status: { type: 'integer' },
    title: text('What kind of error it is'),
    detail: text('Which field, why, and what to do'),
    field: text('The field, parameter or header at fault'),
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'reason'],
        properties: { field: { type: 'string' }, reason: { type: 'string' } },
      },
    },
    retry_after_s: { type: 'number', description: 'When trying again makes sense' },
    request_id: text('The name of this request in our log'),
  },
}
