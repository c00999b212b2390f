import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import type { Arrival } from './receive.ts'
import { turnAway } from './refusals.ts'
import type { ActiveSource } from './sources.ts'

/** By which methods a source is told things: POST, unless its vendor uses another. */

export function refuseMethod(app: App, source: ActiveSource, method: string): void {
  const { options, provider, wire_id } = source
  if ((options.methods as string[]).includes(method)) return
  turnAway(app, source, 'method')
  const allow = options.methods.join(', ')
  throw new Problem('method_not_allowed', {
    detail: `${wire_id} takes ${allow} (options.methods); ${provider.id} knows no handshake by ${method}.`,
    headers: { allow },
  })
}

/**
 * What is read and kept of an arrival. Who tells by GET tells in the query: that is the body then, a form. A parameter that is
 * a secret of the source proved who sends, and goes no further.
 */
export function toContent({ secrets }: ActiveSource, arrival: Arrival): Arrival {
  const { method, path, headers, body } = arrival
  if (method !== 'GET' || body.length > 0) return arrival
  const known = secrets.map((secret) => secret.trim())
  const told = queryOf(path)
    .split('&')
    .filter((field) => !known.includes(parameterOf(field)))
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  return { ...arrival, headers: form, body: Buffer.from(told.join('&')) }
}

/** All behind the first question mark: another one is part of what is told. */
export const queryOf = (path: string): string => path.slice(`${path}?`.indexOf('?') + 1)

const parameterOf = (field: string): string => [...new URLSearchParams(field).values()][0] ?? ''
