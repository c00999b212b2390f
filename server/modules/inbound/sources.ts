import type { Settings } from '../../kit/fields.ts'
import type { Provider } from '../../kit/provider.ts'
import { publicAddress } from '../../platform/config.ts'
import { inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { parseWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { completeOptions, type Options, type SourceOptions } from './options.ts'
import * as queries from './source_queries.ts'

/** A source as the door and the workers need it: found by its address, with its provider and secrets in hand. */
export type ActiveSource = {
  tenant_id: string
  id: string
  wire_id: string
  state: 'enabled' | 'disabled'
  provider: Provider
  settings: Settings
  options: Options
  connection_id: string | null
  secrets: string[]
}

/** By wire id; false where there is none, so that a flood at a dead address asks the database once. */
const activeSources = once((app: App) =>
  remember(app.db, { topic: 'source', load: (wire_id) => loadSource(app, wire_id) }),
)

export const findActiveSource = (app: App, wire_id: string): Promise<ActiveSource | false> =>
  activeSources(app).get(wire_id)

async function loadSource(app: App, wire_id: string): Promise<ActiveSource | false> {
  const id = parseWire('source', wire_id)
  const address = id && (await queries.findAddress(app.db.app, id))
  if (!id || !address) return false
  const { tenant_id } = address
  const provider = app.providers.get(address.provider)
  if (!provider?.webhooks) return false
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findSource(tx, tenant_id, id)
    if (!row) return false
    const secrets = await readSecrets(app, tx, tenant_id, id)
    const hidden = await readHidden(app, tx, tenant_id, id)
    const settings: Settings = { ...(row.settings as Settings), ...hidden }
    const options = completeOptions(row.options as SourceOptions)
    const { state, connection_id } = row
    return { tenant_id, id, wire_id, state, provider, settings, options, connection_id, secrets }
  })
}

/** Who asks the vendor where a source does: no key of the tenant's. */
export const actorOf = ({ tenant_id, wire_id }: ActiveSource): Actor => actorOfSource(tenant_id, wire_id)

/** As `actorOf`, because of a message; its id is on the wire. */
export const actorFor = (source: ActiveSource, message_id: string): Actor => ({
  ...actorOf(source),
  cause: { kind: 'message', id: message_id },
})

export const actorOfSource = (tenant_id: string, wire_id: string): Actor => ({
  kind: 'system',
  id: wire_id,
  tenant_id,
  environment: 'live',
  scopes: ['calls:write'],
  ip: null,
  request_id: null,
})

/** The address to give to the vendor. */
export const addressOf = (app: App, provider: string, id: string): string =>
  baseOf(app) + pathOf(provider, toWire('source', id))

export const pathOf = (provider: string, wire_id: string): string => `/webhooks/${provider}/${wire_id}`

export const baseOf = (app: App): string => publicAddress(app.config)

/** All that are in force, the newest first: while one is being replaced there are two. */
export async function writeSecrets(
  app: App,
  tx: Tx,
  tenant_id: string,
  id: string,
  secrets: string[],
): Promise<void> {
  await app.vault.put(tx, { tenant_id, owner_id: id, field: 'secrets' }, JSON.stringify(secrets))
}

export async function readSecrets(app: App, tx: Tx, tenant_id: string, id: string): Promise<string[]> {
  const text = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secrets' })
  return text === null ? [] : (JSON.parse(text) as string[])
}

/** The settings that anybody may read who reads sources, and those that are kept in the vault. */
export function partSettings(provider: Provider, settings: Settings): { open: Settings; hidden: Settings } {
  const secret = new Set((provider.webhooks?.fields ?? []).filter((one) => one.secret).map(({ key }) => key))
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => secret.has(key) === wanted))
  return { open: part(false), hidden: part(true) }
}

export async function writeHidden(
  app: App,
  tx: Tx,
  tenant_id: string,
  id: string,
  hidden: Settings,
): Promise<void> {
  if (Object.keys(hidden).length === 0) return
  await app.vault.put(tx, { tenant_id, owner_id: id, field: 'settings' }, JSON.stringify(hidden))
}

export async function readHidden(app: App, tx: Tx, tenant_id: string, id: string): Promise<Settings> {
  const text = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'settings' })
  return text === null ? {} : (JSON.parse(text) as Settings)
}
