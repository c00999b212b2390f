import type { Actor, App } from '../app.ts'
import { checkEnvironment, openConnection } from '../connections/connections.ts'

/** For what is decided by hand, without asking the vendor: the connection may be disabled, but not of another world. */
export async function checkWorld(app: App, actor: Actor, connection_id: string): Promise<void> {
  checkEnvironment(actor, (await openConnection(app, actor.tenant_id, connection_id)).environment)
}
