import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection } from '../connections/connections.ts'

/** Null where it was deleted. */
export const openIfThere = (app: App, tenant_id: string, id: string): Promise<OpenConnection | null> =>
  openConnection(app, tenant_id, id).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'not_found') return null
    throw error
  })

/**
 * For what is decided by hand, without asking the vendor: the connection may be disabled, but not of another world. Of one
 * that was deleted nobody knows which world it was: it counts as the live one.
 */
export async function checkWorld(app: App, actor: Actor, connection_id: string): Promise<void> {
  const connection = await openIfThere(app, actor.tenant_id, connection_id)
  checkEnvironment(actor, connection?.environment ?? 'production')
}
