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
 * unknown parameter is refused like an unknown field.
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
    routes.push({ methods, url: route.url, access, operation_id, pattern: patternOf(route.url) })
  })
  return { all: () => routes, methodsAt: (url) => methodsAt(routes, url) }
}

const NOTHING = { type: 'object', additionalProperties: false, properties: {} }

const isClosed = ({ url, schema }: RouteOptions): boolean =>
  url.startsWith('/v1/') && !url.includes('*') && !schema?.querystring

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
