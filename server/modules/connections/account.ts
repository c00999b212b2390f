import { createHash } from 'node:crypto'
import type { OpenConnection } from './connections.ts'

/**
 * Whose account at the vendor a connection leads to, as far as it can be told from here: by all that says where a
 * request goes and in whose name. Alike is the same account; what differs may be another's, though a key that was only
 * renewed differs too. A name, a limit, a mapping, another version of the API, or that it was disabled for a time lead
 * nowhere else.
 */
export function accountOf({ tenant_id, id, opened }: OpenConnection): string {
  const { provider, environment, credentials } = opened
  const { api_version: _version, ...settings } = opened.settings
  const whose = [tenant_id, id, provider.id, environment, sorted(settings), sorted(credentials)]
  return createHash('sha256').update(JSON.stringify(whose)).digest('base64url')
}

const sorted = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
