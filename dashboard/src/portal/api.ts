import createClient from 'openapi-fetch'
import type { paths } from '../api/schema.ts'

/**
 * The one way of the portal to the API: by the token of its link, and without any cookie. The token comes behind the
 * `#` of the link, which no server is sent, and is kept for as long as the tab is open, so that a reload works.
 */

const PREFIX = '#trl_portal_'
const KEPT = `trilho${location.pathname}`

/** A browser may forbid a framed page to keep anything; then a reload asks for a new link. */
const keeping = <T>(work: (storage: Storage) => T): T | null => {
  try {
    return work(sessionStorage)
  } catch {
    return null
  }
}

function takeToken(): string {
  if (!location.hash.startsWith(PREFIX)) return keeping((storage) => storage.getItem(KEPT)) ?? ''
  const token = location.hash.slice(1)
  keeping((storage) => storage.setItem(KEPT, token))
  history.replaceState(null, '', location.pathname)
  return token
}

const authorization = `Bearer ${takeToken() || 'none'}`

export const api = createClient<paths>({
  baseUrl: '/',
  credentials: 'omit',
  headers: { authorization },
})

type Answered<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Data } } } }
}
  ? Data
  : never

export type Portal = Answered<'/v1/portal'>
export type Subscription = Answered<'/v1/portal/subscriptions/{id}'>
export type Delivery = Answered<'/v1/portal/subscriptions/{id}/deliveries'>['data'][number]
