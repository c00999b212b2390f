import type { BankNews } from '../../kit/bank_news.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { parseWire, timeOfId, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { openConnection, worldOf } from '../connections/connections.ts'
import { type Draft, tell } from '../events/events.ts'
import * as queries from './queries.ts'
import { findOpen, findReadFrom, insertSync, listSyncs } from './sync_queries.ts'

/**
 * What a provider tells by webhook of the log-in a bank is read by. A log-in is known from the first sync on, which is
 * when its bank says how it calls it. News of something to read becomes one sync, however often it is told; what keeps a
 * bank from being read is its state and reason, told of once.
 */
export const NEWS = 'banking.news'
export const SYNC_SOON = 'banking.sync_soon'

/** Long enough for what is said of one change in several messages. */
const SOON_MS = 2_000
/** From one sync that news asked for to the next, however it went. */
const REST_MS = 60_000
/** Where a sync is under way that may have read past what is new. */
const AGAIN_MS = 10_000

type Told = { tenant_id: string; provider: string; connection_id: string | null; message_id: string }
type Payload = { news: BankNews; provider: string; connection_id: string | null; told_at: string }

/** Heard in a job, so that the message is closed whatever there is to do. */
export function reactToBank(app: App, news: BankNews, about: Told) {
  const { tenant_id, provider, connection_id, message_id } = about
  const message = parseWire('message', message_id)
  const told_at = (message ? timeOfId(message) : app.clock.now()).toISOString()
  const payload: Payload = { news, provider, connection_id, told_at }
  return {
    key: `bank ${news.login_id}`,
    run: async (tx: Tx): Promise<never[]> => {
      await enqueue(tx, { tenant_id, id: app.newId(), kind: NEWS, payload, due: app.clock.now() })
      await queries.wakeAtCommit(tx)
      return []
    },
  }
}

export async function hearNews(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { news, provider, connection_id, told_at } = payload as Payload
  const banks = await inTenant(app.db, tenant_id, (tx) =>
    queries.listByLogin(tx, tenant_id, provider, news.login_id),
  )
  for (const { id, connection_id: own } of banks) {
    if (own === null || !(await isOfOneWorld(app, tenant_id, own, connection_id))) continue
    await tell(app, tenant_id, async (tx) => ({
      out: undefined,
      drafts: await heed(app, tx, { tenant_id, id }, news, new Date(told_at)),
    }))
  }
}

/** What comes in by a source of one world says nothing of a bank of the other. */
async function isOfOneWorld(
  app: App,
  tenant_id: string,
  own: string,
  told_by: string | null,
): Promise<boolean> {
  try {
    const { environment } = await openConnection(app, tenant_id, own)
    if (told_by === null) return true
    return worldOf((await openConnection(app, tenant_id, told_by)).environment) === worldOf(environment)
  } catch (error) {
    if (error instanceof Problem) return false // one of them is gone
    throw error
  }
}

async function heed(app: App, tx: Tx, place: queries.Place, news: BankNews, told_at: Date): Promise<Draft[]> {
  const bank = await queries.lockBank(tx, place)
  if (!bank || bank.state === 'inactive') return []
  if (news.what === 'updates') return askSoon(app, tx, place)
  const read_from = await findReadFrom(tx, place)
  if (read_from !== null && read_from > told_at) return [] // it is late, or told again by hand
  if (news.what === 'ending') {
    if (bank.reason === news.reason) return [] // told already: the job is done again where another bank of the log-in failed
    await queries.updateBank(tx, place, { reason: news.reason })
    return [draftOf('bank.expiring', place, bank, news)]
  }
  await queries.updateBank(tx, place, {
    state: news.what === 'ended' ? 'inactive' : 'error',
    reason: news.reason,
  })
  const is_told = bank.state === 'error' && news.what === 'failed'
  // One that began before may end well yet, by what it read: another one says how it is.
  if (news.what === 'failed' && (await findOpen(tx, place.tenant_id, place.id))) await askSoon(app, tx, place)
  return is_told ? [] : [draftOf('bank.failed', place, bank, news)]
}

const draftOf = (type: string, { id }: queries.Place, bank: queries.BankRow, news: BankNews): Draft => ({
  type,
  entity_id: toWire('bank', id),
  data: JSON.stringify({
    user_id: bank.user_id,
    bank_code: bank.bank_code,
    bank_id: toWire('bank', id),
    ...(news.what !== 'updates' && { error: news.code, reason: news.reason }),
    ...(news.what === 'ending' && { expires_at: news.at }),
  }),
})

/** Nothing where it is asked for already. */
async function askSoon(app: App, tx: Tx, place: queries.Place): Promise<Draft[]> {
  const now = app.clock.now()
  if (!(await queries.markNews(tx, place, now))) return []
  const [last] = await listSyncs(tx, place.tenant_id, place.id, 0, null)
  const rested_ms = last?.cause === 'news' ? timeOfId(last.id).getTime() + REST_MS : 0
  await enqueueSync(app, tx, place, new Date(Math.max(now.getTime() + SOON_MS, rested_ms)))
  return []
}

const enqueueSync = (app: App, tx: Tx, { tenant_id, id }: queries.Place, due: Date): Promise<void> =>
  enqueue(tx, { tenant_id, id: app.newId(), kind: SYNC_SOON, payload: { bank_id: id }, due })

/** One that waits in the queue reads what is new; one under way may be past it, and another follows. */
export async function syncOnNews(app: App, { tenant_id, payload }: Job): Promise<void> {
  const place = { tenant_id, id: (payload as { bank_id: string }).bank_id }
  await inTenant(app.db, tenant_id, async (tx) => {
    const bank = await queries.findBank(tx, place)
    if (!bank || bank.news_at === null) return
    const { user_id } = bank
    const about = { bank_id: place.id, user_id, cause: 'news' as const, batch_id: null }
    const is_wanted = bank.state !== 'inactive'
    const made = is_wanted && (await insertSync(tx, { tenant_id, id: app.newId(), ...about }))
    const open = is_wanted && !made ? await findOpen(tx, tenant_id, place.id) : undefined
    if (open?.state === 'running')
      return enqueueSync(app, tx, place, new Date(app.clock.now().getTime() + AGAIN_MS))
    await queries.updateBank(tx, place, { news_at: null })
  })
}
