import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire, timeOfId } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type Sync, type SyncQuery, toSync } from './schema.ts'
import * as syncs from './sync_queries.ts'
import { checkWorldOf } from './worlds.ts'

/** Asking for syncs, and how they went. A bank has one at a time: who asks again is told of the one under way. */

export async function syncBank(app: App, actor: Actor, wire_id: string): Promise<Sync> {
  const place = { tenant_id: actor.tenant_id, id: fromWire('bank', wire_id) }
  const known = await inTenant(app.db, actor.tenant_id, (tx) => queries.findBank(tx, place))
  if (known) await checkWorldOf(app, actor, known)
  const row = await inTenant(app.db, actor.tenant_id, async (tx) => {
    const bank = await queries.findBank(tx, place)
    if (!bank) throw noBank(wire_id)
    if (bank.state === 'inactive')
      throw new Problem('conflict', { detail: `bank ${wire_id} is inactive; make it active first` })
    return ask(app, tx, bank, { tenant_id: actor.tenant_id, cause: 'asked', batch_id: null })
  })
  return toSync(row, timeOfId(row.id))
}

export const noBank = (wire_id: string): Problem =>
  new Problem('not_found', { detail: `there is no bank ${wire_id}` })

type Asked = { tenant_id: string; cause: 'asked' | 'schedule'; batch_id: string | null }

/** The one under way, where there is one. */
async function ask(app: App, tx: Tx, bank: queries.BankRow, asked: Asked): Promise<syncs.SyncRow> {
  const about = { ...asked, id: app.newId(), bank_id: bank.id, user_id: bank.user_id }
  const found =
    (await syncs.insertSync(tx, about)) ??
    (await syncs.findOpen(tx, asked.tenant_id, bank.id)) ??
    (await syncs.insertSync(tx, about)) // it ended between the two
  if (found) return found
  throw new Problem('conflict', { detail: 'syncs of this bank begin and end just now; ask again' })
}

/** A turn of the bank's schedule. */
export async function syncOnSchedule(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { bank_id } = payload as { bank_id: string }
  await inTenant(app.db, tenant_id, async (tx) => {
    const bank = await queries.findBank(tx, { tenant_id, id: bank_id })
    if (!bank || bank.state === 'inactive') return
    const about = { bank_id, user_id: bank.user_id, cause: 'schedule' as const, batch_id: null }
    await syncs.insertSync(tx, { tenant_id, id: app.newId(), ...about })
  })
}

/** In an hour, of one person. */
const BATCHES_PER_HOUR = 10

export type Synced = { bank: queries.BankRow; sync: syncs.SyncRow }

/**
 * All banks of one person, in the world of the key, but the inactive ones; or those that are named. Waits until they are done, or for as long
 * as `wait_ms`. Throws `rate_limited` for more than ten times an hour of all at once.
 */
export async function syncAll(
  app: App,
  actor: Actor,
  user_id: string,
  { only, wait_ms }: { only?: (bank: queries.BankRow) => boolean; wait_ms: number },
): Promise<Synced[]> {
  const { tenant_id } = actor
  const open = await openTo(app, actor, user_id, only)
  const begun = await inTenant(app.db, tenant_id, async (tx) => {
    await queries.takeTurn(tx, tenant_id, `all ${user_id}`)
    const own = await queries.listOwn(tx, tenant_id, user_id)
    const banks = own.filter((bank) => bank.state !== 'inactive' && open.has(bank.id))
    const batch_id = only || banks.length === 0 ? null : await newBatch(app, tx, tenant_id, user_id)
    const list: Synced[] = []
    for (const bank of banks)
      list.push({ bank, sync: await ask(app, tx, bank, { tenant_id, cause: 'asked', batch_id }) })
    return list
  })
  return ended(app, tenant_id, begun, wait_ms)
}

/** Those that are named have to be of the key's world; of all, those that are not are left alone. */
async function openTo(
  app: App,
  actor: Actor,
  user_id: string,
  only: ((bank: queries.BankRow) => boolean) | undefined,
): Promise<Set<string>> {
  const own = await inTenant(app.db, actor.tenant_id, (tx) => queries.listOwn(tx, actor.tenant_id, user_id))
  const open = new Set<string>()
  for (const bank of own.filter((one) => only?.(one) ?? true)) {
    try {
      await checkWorldOf(app, actor, bank)
    } catch (error) {
      const is_other = error instanceof Problem && error.code === 'forbidden'
      if (is_other && !only) continue
      if (is_other || !(error instanceof Problem)) throw error // else its sync says what is wrong with it
    }
    open.add(bank.id)
  }
  return open
}

async function newBatch(app: App, tx: Tx, tenant_id: string, user_id: string): Promise<string> {
  const since = floorId(new Date(app.clock.now().getTime() - 3_600_000))
  if ((await syncs.countBatches(tx, tenant_id, user_id, since)) < BATCHES_PER_HOUR) return app.newId()
  throw new Problem('rate_limited', {
    detail: `all banks of one person are synced at most ${BATCHES_PER_HOUR} times an hour`,
    retry_after_s: 360,
  })
}

/** Soon at first, ever more seldom then. */
const LOOK_MS = 100
const SELDOM_MS = 2_000
/** Where nobody takes them up, nobody waits for them. */
const TAKEN_UP_MS = 5_000

async function ended(app: App, tenant_id: string, begun: Synced[], wait_ms: number): Promise<Synced[]> {
  const began = app.clock.monotonic()
  for (let pause_ms = LOOK_MS; ; pause_ms = Math.min(pause_ms * 1.5, SELDOM_MS)) {
    const now = await asTheyAre(app, tenant_id, begun)
    const waited_ms = app.clock.monotonic() - began
    const is_over = now.every(({ sync }) => sync.ended_at !== null)
    const is_left = waited_ms > TAKEN_UP_MS && now.every(({ sync }) => sync.state === 'queued')
    if (is_over || is_left || waited_ms >= wait_ms) return now
    await sleep(Math.min(pause_ms, wait_ms - waited_ms))
  }
}

async function asTheyAre(app: App, tenant_id: string, begun: Synced[]): Promise<Synced[]> {
  const ids = begun.map(({ sync }) => sync.id)
  const rows = await inTenant(app.db, tenant_id, (tx) => syncs.findSyncs(tx, tenant_id, ids))
  const by_id = new Map(rows.map((row) => [row.id, row]))
  return begun.map(({ bank, sync }) => ({ bank, sync: by_id.get(sync.id) ?? sync }))
}

export async function listSyncs(app: App, { tenant_id }: Actor, input: SyncQuery) {
  const { limit, before } = readPage('bank_sync', input)
  const bank_id = input.bank_id === undefined ? null : fromWire('bank', input.bank_id, 'bank_id')
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    syncs.listSyncs(tx, tenant_id, bank_id, limit, before),
  )
  return toPage('bank_sync', rows, limit, (row) => toSync(row, timeOfId(row.id)))
}

export async function readSync(app: App, actor: Actor, wire_id: string): Promise<Sync> {
  const place = { tenant_id: actor.tenant_id, id: fromWire('bank_sync', wire_id) }
  const row = await inTenant(app.db, actor.tenant_id, (tx) => syncs.findSync(tx, place))
  if (!row) throw new Problem('not_found', { detail: `there is no sync ${wire_id}` })
  return toSync(row, timeOfId(row.id))
}
