/** The rooms a scope can open, for reading, for writing, or both with `*`. */
export const ROOMS = [
  'tenants',
  'connections',
  'calls',
  'sources',
  'events',
  'subscriptions',
  'payments',
  'cards',
  'transfers',
  'banking',
  'alerts',
] as const

/** Where there is something to mend short of changing it: replay, release, pause, test, open, close, take. */
export const OPERATED = ['banking', 'connections', 'calls', 'sources', 'subscriptions', 'alerts'] as const

/**
 * Every scope there is. `*` is all of a tenant; `bodies:read` opens what calls sent and were answered, whole; `transfers:approve`
 * lets money go that somebody else asked for; `webhooks:receive` is shown by vendors at a source that asks for it; `internal`,
 * `riskengine` and `banking` open the published contracts of those names; `admin` (all tenants) and `metrics:read` exist only on
 * keys of the installation.
 */
export const SCOPES: readonly string[] = [
  '*',
  ...ROOMS.flatMap((room) => [`${room}:read`, `${room}:write`, `${room}:*`]),
  ...OPERATED.map((room) => `${room}:operate`),
  'transfers:approve',
  'bodies:read',
  'webhooks:receive',
  'internal',
  'banking',
  'riskengine',
  'admin',
  'metrics:read',
]

/** Those that reach beyond one tenant. */
export const INSTALLATION_SCOPES: readonly string[] = ['admin', 'metrics:read']

/** What `<room>:*` is. Whoever may ask for a transfer by it may not for that let another's go. */
const RIGHTS = ['read', 'write', 'operate']

/** Whether who holds `scopes` may do what asks for `wanted`; for `calls:*`, both halves will do. Who may write may mend. */
export function holds(scopes: readonly string[], wanted: string): boolean {
  if (scopes.includes(wanted)) return true
  if (INSTALLATION_SCOPES.includes(wanted)) return scopes.includes('admin')
  if (scopes.includes('*') || scopes.includes('admin')) return true
  const [room, right] = wanted.split(':')
  if (right === undefined) return false
  if (right === 'operate' && scopes.includes(`${room}:write`)) return true
  if (right === '*') return scopes.includes(`${room}:read`) && scopes.includes(`${room}:write`)
  return (
    RIGHTS.includes(right) && (scopes.includes(`${room}:*`) || (room === 'banking' && scopes.includes(room)))
  )
}
