import { keyErrors } from '../../kit/auth.ts'
import { type Credentials, checkSettings, type Settings, withDefaults } from '../../kit/fields.ts'
import { type Provider, perSettings } from '../../kit/provider.ts'
import { worldFaults } from '../../kit/worlds.ts'
import { type FieldError, Problem } from '../../platform/errors.ts'
import type { Environment } from './queries.ts'

/** Whether settings and credentials fit the provider, and the world the connection is of. */
export function fitting(
  provider: Provider,
  settings: unknown,
  credentials: unknown,
): { settings: Settings; credentials: Credentials } {
  const of_fields = checkSettings(provider, settings, credentials)
  refuse(of_fields.length > 0 ? of_fields : keysOf(provider, settings, credentials))
  return { settings: settings as Settings, credentials: credentials as Credentials }
}

/** Once the fields are what they should be, what stands in them may be no key, or another certificate's. */
function keysOf(provider: Provider, settings: unknown, credentials: unknown): FieldError[] {
  const known = withDefaults(provider.fields, settings as Settings)
  const identity = perSettings(provider.identity ?? null, known)
  return keyErrors(perSettings(provider.auth, known), identity, credentials as Credentials)
}

/** Refuses what is of the vendor's test world on a production connection, and what is live on another. */
export const checkWorld = (
  provider: Provider,
  environment: Environment,
  settings: Settings,
  credentials: Credentials,
): void =>
  refuse(worldFaults(provider, environment === 'production' ? 'live' : 'test', settings, credentials))

function refuse(errors: readonly FieldError[]): void {
  const [first] = errors
  if (!first) return
  const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
  throw new Problem('invalid_settings', { field: first.field, detail, errors: [...errors] })
}
