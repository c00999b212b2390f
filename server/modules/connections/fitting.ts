import { pinned } from '../../kit/api_version.ts'
import { keyErrors } from '../../kit/auth.ts'
import { type OwnLimits, rateFault } from '../../kit/call_limits.ts'
import { type Credentials, checkSettings, type Settings, withDefaults } from '../../kit/fields.ts'
import { type Provider, perSettings } from '../../kit/provider.ts'
import { worldFaults } from '../../kit/worlds.ts'
import { type FieldError, Problem } from '../../platform/errors.ts'
import type { Actor } from '../app.ts'
import type { Environment } from './queries.ts'

/** Settings and credentials that fit the provider, with the vendor's version: theirs, that of `before`, or the default. */
export function fitting(
  provider: Provider,
  settings: unknown,
  credentials: unknown,
  before: Settings = {},
): { settings: Settings; credentials: Credentials } {
  const of_fields = checkSettings(provider, settings, credentials)
  refuse(of_fields.length > 0 ? of_fields : keysOf(provider, settings, credentials))
  return {
    settings: pinned(provider.api_version, settings as Settings, before),
    credentials: credentials as Credentials,
  }
}

/** Once the fields are what they should be, what stands in them may be no key, or another certificate's. */
function keysOf(provider: Provider, settings: unknown, credentials: unknown): FieldError[] {
  const known = withDefaults(provider.fields, settings as Settings)
  const identity = perSettings(provider.identity ?? null, known)
  return keyErrors(perSettings(provider.auth, known), identity, credentials as Credentials)
}

/** Which of a vendor's worlds, and of ours, it belongs to. */
export const worldOf = (environment: Environment): 'live' | 'test' =>
  environment === 'production' ? 'live' : 'test'

/** Refuses what is of the vendor's test world on a production connection, and what is live on another. */
export const checkWorld = (
  provider: Provider,
  environment: Environment,
  settings: Settings,
  credentials: Credentials,
): void => refuse(worldFaults(provider, worldOf(environment), settings, credentials))

export function checkedLimits(limits: OwnLimits = {}): OwnLimits {
  const lists = [
    ['limits.rates', limits.rates ?? []] as const,
    ...Object.entries(limits.operations ?? {}).map(
      ([operation, rates]) => [`limits.operations.${operation}`, rates] as const,
    ),
  ]
  for (const [field, rates] of lists) {
    const fault = rateFault(rates)
    if (fault) throw new Problem('invalid_request', { field, detail: `${field} ${fault}` })
  }
  return limits
}

function refuse(errors: readonly FieldError[]): void {
  const [first] = errors
  if (!first) return
  const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
  throw new Problem('invalid_settings', { field: first.field, detail, errors: [...errors] })
}

/**
 * Refuses to bring a key and a connection of different worlds together. Administrators and the house itself stand
 * outside both.
 */
export function checkEnvironment(actor: Actor, environment: Environment): void {
  if (actor.kind === 'system' || actor.scopes.includes('admin')) return
  const needed = environment === 'production' ? 'live' : 'test'
  if (actor.environment === needed) return
  throw new Problem('forbidden', {
    field: 'environment',
    detail: `a ${actor.environment} key may not touch a ${environment} connection; use a ${needed} key`,
  })
}
