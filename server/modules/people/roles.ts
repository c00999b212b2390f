import { INSTALLATION } from '../app.ts'
import { OPERATED, ROOMS } from '../tenants/tenants.ts'
import type { Role } from './schema.ts'

const READ = ROOMS.map((room) => `${room}:read`)

/**
 * A role is the scopes of a key, and the routes know scopes alone: there is no second set of rules that could differ.
 * What changes keys, members and the tenant itself is `tenants:write`, which is an administrator's.
 */
const SCOPES_OF_ROLE: Record<Role, readonly string[]> = {
  viewer: READ,
  operator: [...READ, ...OPERATED.map((room) => `${room}:operate`)],
  developer: [
    'tenants:read',
    ...ROOMS.filter((room) => room !== 'tenants').map((room) => `${room}:*`),
    'bodies:read',
  ],
  admin: ['*'],
}

/** Who is a member of the installation itself administers all of it, whatever tenant is looked at. */
export const scopesOf = (role: Role, tenant_id: string): readonly string[] =>
  tenant_id === INSTALLATION ? ['admin'] : SCOPES_OF_ROLE[role]
