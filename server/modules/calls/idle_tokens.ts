import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listRenewable, openConnection, type Place } from '../connections/connections.ts'
import { keepToken } from './tokens.ts'

const AT_MOST = 10_000

/**
 * Renews what somebody consented to where it is time and no call has done so: a refresh token that nobody uses ends at
 * many vendors, and whoever calls after a quiet night should wait for nothing.
 */
export async function renewIdle(app: App): Promise<void> {
  for (const place of await listRenewable(app.db.worker, AT_MOST)) {
    await renew(app, place).catch((err: unknown) => {
      const connection = toWire('connection', place.connection_id)
      app.log.warn({ crossing: 'call', connection, err }, 'the token of an idle connection was not renewed')
    })
  }
}

async function renew(app: App, { tenant_id, connection_id }: Place): Promise<void> {
  const connection = await openConnection(app, tenant_id, connection_id)
  if (connection.state === 'enabled') await keepToken(app, connection)
}
