import type { FieldError } from '../platform/errors.ts'
import type { Field, Settings } from './fields.ts'
import { type PerSettings, perSettings } from './provider.ts'

/**
 * Which version of its API a vendor is asked for: a setting of the connection, pinned when that is made. A later
 * default of the provider changes nothing for who is connected already.
 */
export type ApiVersion = {
  /** The one that the provider was written for; absent where any service is reached. */
  default?: string
  /** What a version looks like, matched against the whole. */
  pattern: string
  example?: string
  /** Where it is sent, lower case; null or absent: in place of `{api_version}` in the base URL. */
  header?: PerSettings<string | null>
}

/** In a base URL, what the version is put in for. */
const PLACE = '{api_version}'

export const versionField = ({ default: usual, pattern, example }: ApiVersion): Field => ({
  key: 'api_version',
  label: 'API version',
  hint: 'of the vendor; what stands when the connection is made stays, whatever a later default is',
  pattern,
  ...(usual !== undefined && { default: usual }),
  ...(example !== undefined && { example }),
})

/** The settings with the version of before, or the default of now, where they name none. */
export function pinned(version: ApiVersion | undefined, settings: Settings, before: Settings = {}): Settings {
  if (version?.default === undefined || settings['api_version'] !== undefined) return settings
  return { ...settings, api_version: before['api_version'] ?? version.default }
}

/** `version` is that of the manifest. Null where none is set and there is no default. */
const versionOf = (version: ApiVersion | undefined, settings: Settings): string | null => {
  const own = settings['api_version']
  return typeof own === 'string' ? own : (version?.default ?? null)
}

export function versionHeader(version: ApiVersion | undefined, settings: Settings): Record<string, string> {
  const header = perSettings(version?.header ?? null, settings)?.toLowerCase()
  const value = versionOf(version, settings)
  return header && value !== null ? { [header]: value } : {}
}

export const withVersion = (version: ApiVersion | undefined, settings: Settings, url: string): string =>
  version === undefined ? url : url.replaceAll(PLACE, versionOf(version, settings) ?? PLACE)

/** Of a connection to any service: a version that goes nowhere, or a place that nothing is put in for. */
export function versionFaults(settings: Settings, urls: readonly unknown[]): FieldError[] {
  const { api_version, api_version_header } = settings
  const has_place = urls.some((url) => typeof url === 'string' && url.includes(PLACE))
  if (api_version !== undefined && !has_place && api_version_header === undefined) {
    const reason = `goes nowhere; put ${PLACE} into base_url, or name its header in api_version_header`
    return [{ field: 'settings.api_version', reason }]
  }
  if (api_version !== undefined || (!has_place && api_version_header === undefined)) return []
  return [
    { field: 'settings.api_version', reason: 'is required: base_url or api_version_header asks for it' },
  ]
}
