import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Actor, type App, INSTALLATION } from '../modules/app.ts'
import { audit } from '../modules/tenants/tenants.ts'
import { systemClock } from '../platform/clock.ts'
import { loadConfig } from '../platform/config.ts'
import { inTenant, listSigns } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import {
  countSecrets,
  createVault,
  findMasterKey,
  listKeyedTenants,
  listWrappings,
  type MasterKey,
  previousKeyFiles,
  renewMasterKey,
  type Vault,
} from '../platform/vault/vault.ts'
import { withLocalApp } from './local.ts'
import { EXIT, failure } from './output.ts'

/** The work of `trilho vault`. Each step is a transaction of one tenant's, so it may be ended anywhere. */

type Progress = (done: number, of: number) => void
type Open = { app: App; vault: Vault; found: MasterKey }

export type Status = {
  /** Fingerprint of the master key that wraps. */
  master: string
  from: string
  /** `held`: this machine has that master key. */
  wrappings: { master: string; keys: number; tenants: number; held: boolean }[]
  secrets: number
  /** Secrets that are not sealed with their tenant's newest data key. */
  waiting: number
  /** Running servers whose master key is another. */
  elsewhere: number
}

export const status = (): Promise<Status> =>
  withVault(async ({ app, vault, found }) => {
    const missing = await vault.missingMasters(app.db.owner)
    const wrappings = await listWrappings(app.db.owner)
    return {
      master: vault.master,
      from: found.path ?? 'TRILHO_MASTER_KEY',
      wrappings: wrappings.map((row) => ({ ...row, held: !missing.includes(row.master) })),
      ...(await countSecrets(app.db.owner)),
      elsewhere: await countElsewhere(app, vault),
    }
  })

export type Rotated = { tenants: number; sealed: number; waiting: number }

export const rotate = (tenant: string | undefined, on: Progress): Promise<Rotated> =>
  withVault(async ({ app, vault }) => {
    await refuseElsewhere(app, vault)
    if ((await listKeyedTenants(app.db.owner, vault.master)).length > 0) {
      throw failure(
        EXIT.failed,
        'Some keys are still wrapped by another master key. Run: trilho vault rewrap',
      )
    }
    const tenants = await tenantsToRotate(app, tenant)
    let sealed = 0
    for (const [done, tenant_id] of tenants.entries()) {
      on(done, tenants.length)
      await inTenant(app.db, tenant_id, async (tx) => {
        const version = await vault.rotateTenantKey(tx, tenant_id)
        await audit(tx, actorOf(tenant_id), 'vault.rotate', toWire('tenant', tenant_id), { version })
      })
      sealed += await reseal(app, vault, tenant_id)
    }
    const { waiting } = await countSecrets(app.db.owner)
    return { tenants: tenants.length, sealed, waiting }
  })

async function tenantsToRotate(app: App, tenant: string | undefined): Promise<string[]> {
  const tenants = await listKeyedTenants(app.db.owner)
  if (tenant === undefined) return tenants
  const id = fromWire('tenant', tenant, '--tenant')
  if (tenants.includes(id)) return [id]
  throw failure(EXIT.refused, `No tenant ${tenant} has a key in this database.`)
}

const BATCH = 100
const AGAIN_MS = 50
const MOST_WAITS = 100

/** Until nothing remains, or what remains is held by others for five seconds; how many it sealed. */
async function reseal(app: App, vault: Vault, tenant_id: string): Promise<number> {
  let total = 0
  for (let waits = 0; waits < MOST_WAITS; ) {
    const { sealed, remaining } = await inTenant(app.db, tenant_id, (tx) =>
      vault.resealBatch(tx, tenant_id, BATCH),
    )
    total += sealed
    if (remaining === 0) break
    if (sealed > 0) continue
    waits += 1
    await sleep(AGAIN_MS)
  }
  return total
}

export type Rewrapped = { master: string; tenants: number; keys: number; kept: string[] }

export const rewrap = (on: Progress): Promise<Rewrapped> =>
  withVault(async ({ app, vault, found }) => {
    const missing = await vault.missingMasters(app.db.owner)
    if (missing.length > 0) {
      const what = `Keys of this database are wrapped by ${missing.join(', ')}, which is not here. Put that master key into TRILHO_PREVIOUS_MASTER_KEYS.`
      throw failure(EXIT.failed, what, { missing })
    }
    await refuseElsewhere(app, vault)
    const { tenants, keys } = await rewrapTenants(app, vault, on)
    if (keys > 0) {
      await inTenant(app.db, INSTALLATION, (tx) =>
        audit(tx, actorOf(INSTALLATION), 'vault.rewrap', toWire('tenant', INSTALLATION), {
          master: vault.master,
          keys,
        }),
      )
    }
    const kept = found.path === null ? [] : await previousKeyFiles(resolve(app.config.data_dir))
    return { master: vault.master, tenants, keys, kept }
  })

/** Looks again when through: keys may have been made meanwhile by a server that ended since. */
async function rewrapTenants(
  app: App,
  vault: Vault,
  on: Progress,
): Promise<{ tenants: number; keys: number }> {
  const done = new Set<string>()
  let keys = 0
  for (;;) {
    const tenants = await listKeyedTenants(app.db.owner, vault.master)
    if (tenants.length === 0) return { tenants: done.size, keys }
    for (const [n, tenant_id] of tenants.entries()) {
      on(n, tenants.length)
      keys += await inTenant(app.db, tenant_id, (tx) => vault.rewrap(tx, tenant_id))
      done.add(tenant_id)
    }
  }
}

export type NewMaster = { master: string; path: string; kept: string }

export async function newMaster(): Promise<NewMaster> {
  const config = loadConfig()
  if (config.master_key !== undefined) {
    const what =
      'The master key comes from TRILHO_MASTER_KEY. Make one with "openssl rand -base64 32", set it there, and put the present one into TRILHO_PREVIOUS_MASTER_KEYS.'
    throw failure(EXIT.failed, what)
  }
  const kept = await renewMasterKey(resolve(config.data_dir), systemClock.now())
  const { key, path } = await masterKeyHere()
  return { master: createVault({ master_key: key, clock: systemClock }).master, path: path ?? '', kept }
}

async function masterKeyHere(): Promise<MasterKey> {
  const config = loadConfig()
  const found = await findMasterKey({ ...config, data_dir: resolve(config.data_dir) })
  if (found) return found
  throw failure(
    EXIT.failed,
    'There is no master key here: set TRILHO_MASTER_KEY, or TRILHO_DATA_DIR to the folder with master.key.',
  )
}

async function withVault<T>(work: (open: Open) => Promise<T>): Promise<T> {
  const found = await masterKeyHere()
  const vault = createVault({
    master_key: found.key,
    previous_master_keys: found.previous,
    clock: systemClock,
  })
  return withLocalApp(async (app) => {
    try {
      return await work({ app, vault, found })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw failure(EXIT.refused, error.message, { code: error.code })
    }
  })
}

const countElsewhere = async (app: App, vault: Vault): Promise<number> =>
  (await listSigns(app.db.owner)).filter((master) => master !== vault.master).length

/** A server with the old key could not open what is wrapped anew, and would go on wrapping with the old one. */
async function refuseElsewhere(app: App, vault: Vault): Promise<void> {
  const count = await countElsewhere(app, vault)
  if (count === 0) return
  const what = `${count} running ${count === 1 ? 'server has' : 'servers have'} another master key than ${vault.master}. Restart with this one first, then run this again.`
  throw failure(EXIT.failed, what, { code: 'other_master_key', servers: count })
}

const actorOf = (tenant_id: string): Actor => ({
  kind: 'system',
  id: 'cli',
  tenant_id,
  environment: 'live',
  scopes: ['admin'],
  ip: null,
  request_id: null,
})
