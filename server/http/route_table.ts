import type { RouteOptions } from 'fastify'
import type { Access, Http } from '../modules/app.ts'

export type Route = { methods: string[]; url: string; access: Access; operation_id: string | undefined }

export type RouteTable = {
  all(): readonly Route[]
  /** What an address takes, for the Allow header; empty where there is no such address. */
  methodsAt(url: string): string[]
}

/**
 * Remembers every route and refuses, at the start, one that does not say whom it serves or has no name in the
 * OpenAPI document. Under /v1 a query string that a route does not describe is described as empty, so that an
 * unknown parameter is refused like an unknown field, and so is a name that a map does not take.
 */
export function keepTable(http: Http): RouteTable {
  const routes: (Route & { pattern: RegExp })[] = []
  http.addHook('onRoute', (route) => {
    const methods = [route.method].flat()
    const access = accessOf(route)
    const operation_id = route.schema?.operationId
    if (!operation_id && !route.schema?.hide) {
      throw new Error(`${methods} ${route.url} has no schema.operationId; give it one, or schema.hide`)
    }
    if (isClosed(route)) route.schema = { querystring: NOTHING, ...route.schema }
    if (route.schema?.body) route.schema = { ...route.schema, body: closeMaps(route.schema.body) }
    routes.push({ methods, url: route.url, access, operation_id, pattern: patternOf(route.url) })
  })
  return { all: () => routes, methodsAt: (url) => methodsAt(routes, url) }
}

const NOTHING = { type: 'object', additionalProperties: false, properties: {} }

const isClosed = ({ url, schema }: RouteOptions): boolean =>
  url.startsWith('/v1/') && !url.includes('*') && !schema?.querystring

/** As TypeBox writes a map of any names. */
const ANY_NAME = '^.*$'

/** Of a map JSON Schema looks at the names alone that its pattern takes (no `.` takes the end of a line), and passes over all others. */
function closeMaps(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closeMaps)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.entries(schema).map(([name, part]): [string, unknown] => [name, closeMaps(part)])
  const closed: Record<string, unknown> = Object.fromEntries(parts)
  const { patternProperties, ...rest } = closed
  const [[pattern, value] = []] = Object.entries(patternProperties ?? {})
  if (pattern === undefined) return closed
  return { ...rest, additionalProperties: pattern === ANY_NAME && value, patternProperties }
}

function accessOf(route: RouteOptions): Access {
  if (isReferencePage(route.url)) route.config = { ...route.config, access: 'public' }
  const access = route.config?.access
  if (!access)
    throw new Error(`${route.method} ${route.url} does not say whom it serves; give it config.access`)
  return access
}

/** Its routes come from a package, which knows nothing of our access. */
const isReferencePage = (url: string): boolean => url === '/docs' || url.startsWith('/docs/')

function methodsAt(routes: readonly (Route & { pattern: RegExp })[], url: string): string[] {
  const path = url.split('?', 1)[0] ?? url
  const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods)
  return [...new Set(methods)].sort()
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+'
    return part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('/')}$`)
}
