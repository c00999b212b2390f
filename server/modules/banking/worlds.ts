import type { Actor, App } from '../app.ts'
import { checkEnvironment, openConnection } from '../connections/connections.ts'
import type { BankRow } from './queries.ts'

/** A bank is of the world of its connection, whoever the connection belongs to. Throws `forbidden` for a key of the other. */
export async function checkWorldOf(
  app: App,
  actor: Actor,
  { connection_id }: Pick<BankRow, 'connection_id'>,
): Promise<void> {
  if (connection_id === null) return
  checkEnvironment(actor, (await openConnection(app, actor.tenant_id, connection_id)).environment)
}
