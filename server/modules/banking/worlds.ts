import { inTenant } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type Environment, openConnection } from '../connections/connections.ts'
import { type BankRow, findStanding } from './queries.ts'

/** A bank is of the world of its connection, whoever the connection belongs to. Throws `forbidden` for a key of the other. */
export async function checkWorldOf(
  app: App,
  actor: Actor,
  { connection_id }: Pick<BankRow, 'connection_id'>,
): Promise<Environment | null> {
  if (connection_id === null) return null
  const { environment } = await openConnection(app, actor.tenant_id, connection_id)
  checkEnvironment(actor, environment)
  return environment
}

/** Of what a bank told, which may have been removed since; where nobody knows of which world it was, it counts as live. */
export async function checkWorldOfTold(app: App, actor: Actor, bank_id: string): Promise<void> {
  const place = { tenant_id: actor.tenant_id, id: bank_id }
  const bank = await inTenant(app.db, actor.tenant_id, (tx) => findStanding(tx, place))
  if (bank?.connection_id) await checkWorldOf(app, actor, bank)
  else checkEnvironment(actor, bank?.environment ?? 'production')
}
