import { INSTALLATION } from '../app.ts'
import type { Role } from './schema.ts'

const READ = [
  'tenants:read',
  'connections:read',
  'calls:read',
  'sources:read',
  'events:read',
  'subscriptions:read',
]

/**
 * A role is the scopes of a key, and the routes know scopes alone: there is no second set of rules that could differ.
 * What changes keys, members and the tenant itself is `tenants:write`, which is an administrator's.
 */
const SCOPES_OF_ROLE: Record<Role, readonly string[]> = {
  viewer: READ,
  operator: READ,
  developer: [
    'tenants:read',
    'connections:*',
    'calls:*',
    'sources:*',
    'events:*',
    'subscriptions:*',
    'bodies:read',
  ],
  admin: ['*'],
}

/** Who is a member of the installation itself administers all of it, whatever tenant is looked at. */
export const scopesOf = (role: Role, tenant_id: string): readonly string[] =>
  tenant_id === INSTALLATION ? ['admin'] : SCOPES_OF_ROLE[role]
