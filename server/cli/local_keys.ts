import { type Actor, type App, INSTALLATION } from '../modules/app.ts'
import type { ApiKey, NewKey, NewKeyShown } from '../modules/tenants/tenants.ts'
import { createKey, listKeys, listTenants, revokeKey } from '../modules/tenants/tenants.ts'
import { Problem } from '../platform/errors.ts'
import { fromWire } from '../platform/ids.ts'
import { clientSettings, type Paged, type Remote } from './client.ts'
import { withLocalApp } from './local.ts'
import { EXIT, failure, type PageOf } from './output.ts'

/** Keys in the database of this machine: who holds the machine needs no key to make one. */
type Local = Remote & { admin?: true }

export const create = (input: NewKey, options: Local): Promise<NewKeyShown> =>
  asOwner(options, (app, actor) => createKey(app, actor, input))

export const list = ({ limit, cursor, ...options }: Paged & Local): Promise<PageOf<ApiKey>> =>
  asOwner(options, (app, actor) => listKeys(app, actor, { limit, cursor }))

export const revoke = (id: string, options: Local): Promise<ApiKey> =>
  asOwner(options, (app, actor) => revokeKey(app, actor, id))

async function asOwner<T>(options: Local, work: (app: App, actor: Actor) => Promise<T>): Promise<T> {
  return withLocalApp(async (app) => {
    try {
      return await work(app, toActor(await tenantOf(app, options), options.admin))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw failure(EXIT.refused, `${error.message} (${error.code})`, { code: error.code })
    }
  })
}

const toActor = (tenant_id: string, admin: true | undefined): Actor => ({
  kind: 'system',
  id: 'cli',
  tenant_id,
  environment: 'live',
  scopes: [admin ? 'admin' : '*'],
  ip: null,
  request_id: null,
})

/** The one that is named, or the only one there is. */
async function tenantOf(app: App, options: Local): Promise<string> {
  if (options.admin) return INSTALLATION
  const named = clientSettings(options).tenant
  const { data } = await listTenants(app, { limit: '200' })
  if (named !== undefined) {
    if (data.some(({ id }) => id === named)) return fromWire('tenant', named, '--tenant')
    throw failure(EXIT.refused, `There is no tenant ${named} in this database.`)
  }
  const [only] = data
  if (only && data.length === 1) return fromWire('tenant', only.id)
  const there = data.map(({ id, name }) => `\n  ${id}  ${name}`).join('')
  throw failure(
    EXIT.usage,
    `Name a tenant with --tenant, or make a key of the installation with --admin.${there}`,
  )
}
