import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { App, Cause } from '../app.ts'
import { openConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { currentConsent, suspect } from './consents.ts'
import * as queries from './queries.ts'
import { askFor, type Leaf, type Reading, settle } from './steps.ts'
import * as syncs from './sync_queries.ts'
import { SYNC, TROUBLES } from './vendor.ts'

/**
 * A sync under way. Every page is written down with where the next begins, and a step's changes are made in one
 * transaction, whose first statement proves that the work is still ours: a worker that is killed is followed by one
 * that goes on from there, and of two at once one changes nothing.
 */

/** Of one person, at once. */
const MOST_AT_ONCE = 5
const BUSY_MS = 300
/** Then it goes to the end of the queue, so that a bank with years to tell holds up nobody. */
const TURN_MS = 20_000
const MOST_ATTEMPTS = 5
/** Of a step: more is a bank that goes round in circles. */
const MOST_PAGES = 20_000

/** In how many milliseconds it is due again; null where it is over, or another's. */
export async function runSync(app: App, work: syncs.DueSync, mayGoOn: () => boolean): Promise<number | null> {
  try {
    return await run(app, work, mayGoOn)
  } catch (error) {
    if (error === TAKEN_OVER) return null
    return setBack(app, work, error)
  }
}

/** Not a failure: whoever has taken the work over goes on with it. */
const TAKEN_OVER = new Error('another worker goes on with it')

async function setBack(app: App, work: syncs.DueSync, err: unknown): Promise<number | null> {
  const { tenant_id, id, attempts } = work
  const about = { crossing: 'banking', sync: toWire('bank_sync', id), attempt: attempts, err }
  app.log.error(about, 'a sync failed')
  if (attempts >= MOST_ATTEMPTS) {
    const message = 'Something went wrong on our side; the log says what.'
    await end(app, work, { state: 'failed', error: 'internal', message }).catch((error: unknown) => {
      if (error !== TAKEN_OVER) throw error
    })
    return null
  }
  const wait_ms = 5_000 * 2 ** attempts
  await inTenant(app.db, tenant_id, (tx) => syncs.putBack(tx, work, { wait_ms, failed: true }))
  return wait_ms
}

async function run(app: App, work: syncs.DueSync, mayGoOn: () => boolean): Promise<number | null> {
  const { tenant_id } = work
  const release = (wait_ms: number) =>
    inTenant(app.db, tenant_id, (tx) => syncs.putBack(tx, work, { wait_ms, failed: false }))
  const begun = await start(app, work)
  if (begun === 'busy') {
    await release(BUSY_MS)
    return BUSY_MS
  }
  if (begun === null) return null
  const reading = await open(app, work, begun)
  if ('error' in reading) {
    await end(app, work, reading)
    return null
  }
  const until = app.clock.monotonic() + TURN_MS
  // Never between two pages: who waits in the queue there finds them too old, and reads them again.
  for (let last: Outcome = 'step'; mayGoOn() && (last === 'page' || app.clock.monotonic() < until); ) {
    last = await turn(reading, work)
    if (typeof last === 'string') continue
    await end(app, work, last)
    return null
  }
  await release(0)
  return mayGoOn() ? 1 : null
}

/** The bank; null where there is nothing left to do. */
type Begun = { bank: queries.BankRow; cause: syncs.SyncRow['cause'] }

const start = (app: App, work: syncs.DueSync): Promise<Begun | 'busy' | null> =>
  inTenant(app.db, work.tenant_id, async (tx) => {
    await queries.takeTurn(tx, work.tenant_id, work.user_id)
    const sync = await syncs.findSync(tx, work)
    const bank = sync && (await queries.findBank(tx, { tenant_id: work.tenant_id, id: sync.bank_id }))
    if (!bank) {
      await syncs.endSync(tx, work, GONE)
      return null
    }
    if (!(await syncs.begin(tx, work, MOST_AT_ONCE))) return 'busy'
    await syncs.startSync(tx, work)
    return { bank, cause: sync.cause }
  })

export const GONE = {
  state: 'skipped',
  error: 'bank_removed',
  message: 'The bank was removed meanwhile.',
} as const

async function open(app: App, work: syncs.DueSync, { bank, cause }: Begun): Promise<Reading | syncs.End> {
  const { tenant_id } = work
  if (bank.connection_id === null) return GONE
  try {
    const connection = await openConnection(app, tenant_id, bank.connection_id)
    if (connection.state !== 'enabled') return failed(TROUBLES.disabled)
    const { banking } = connection.opened.provider
    if (!banking || (banking.consents && !(await hasConsent(app, tenant_id, bank.id)))) return NO_CONSENT
    const by: Cause = { kind: cause === 'schedule' ? 'schedule' : 'job', id: SYNC }
    return { app, tenant_id, sync_id: work.id, bank, banking, connection, by }
  } catch (error) {
    if (error instanceof Problem) return failed(TROUBLES.disabled)
    throw error
  }
}

const NO_CONSENT = {
  state: 'skipped',
  error: 'no_active_consent',
  message: 'Nobody has agreed yet that this bank may be asked; make a consent.',
} as const

const failed = ({ code, message }: { code: string; message: string }): syncs.End => ({
  state: 'failed',
  error: code,
  message,
})

/** A page of a step was read, or a step to its end, or all there is. */
type Outcome = 'page' | 'step' | syncs.End

/** One page further. */
async function turn(reading: Reading, work: syncs.DueSync): Promise<Outcome> {
  const { app, tenant_id } = reading
  const position = await whereItStands(reading, work)
  const [step] = position.todo
  if (!step)
    return position.trouble ? failed(position.trouble) : { state: 'succeeded', error: null, message: null }
  if ((position.restarts ?? 0) > MOST_RESTARTS) return failed(TROUBLES.too_slow)
  const heard = await askFor(reading, step, position.after)
  if ('trouble' in heard) {
    if (heard.trouble.code !== TROUBLES.blocked.code || !('account_id' in step)) return failed(heard.trouble)
    await leaveOut(reading, work, position, step.account_id)
    return 'step'
  }
  const { next } = heard.told
  if (next !== null && (next === position.after || position.pages >= MOST_PAGES))
    return failed(TROUBLES.unreadable)
  if (next === null) {
    await finish(reading, work, position, heard.told)
    return 'step'
  }
  await inTenant(app.db, tenant_id, async (tx) => {
    await fence(tx, work)
    await syncs.insertPage(tx, work, position.pages, heard.told.items)
    const since = position.since ?? app.clock.now().getTime()
    await syncs.writePosition(tx, work, { ...position, since, after: next, pages: position.pages + 1 })
  })
  return 'page'
}

/** Nothing more of this account is asked for this time; the others are no worse for it. */
const leaveOut = (
  { app, tenant_id }: Reading,
  work: syncs.DueSync,
  { todo }: syncs.Position,
  account_id: string,
): Promise<void> =>
  inTenant(app.db, tenant_id, async (tx) => {
    await fence(tx, work)
    await syncs.dropPages(tx, work)
    const others = todo.filter((step) => !('account_id' in step) || step.account_id !== account_id)
    await syncs.writePosition(tx, work, { ...AT_A_BEGINNING, todo: others, trouble: TROUBLES.blocked })
  })

const AT_A_BEGINNING = { after: null, pages: 0, since: null }

/** What was read of a step too long ago is read again: the bank has moved on, and pages of two times fit badly. */
const whereItStands = ({ app, tenant_id }: Reading, work: syncs.DueSync): Promise<syncs.Position> =>
  inTenant(app.db, tenant_id, async (tx) => {
    const kept = await syncs.readPosition(tx, work)
    const position = { todo: FROM_THE_START, ...AT_A_BEGINNING, ...kept }
    if (position.since === null || app.clock.now().getTime() - position.since < STALE_MS) return position
    await fence(tx, work)
    await syncs.dropPages(tx, work)
    const again = { ...position, ...AT_A_BEGINNING, restarts: (position.restarts ?? 0) + 1 }
    await syncs.writePosition(tx, work, again)
    return again
  })

const STALE_MS = 15 * 60_000
/** Of one step: a bank that takes longer for it every time will do so the next time. */
const MOST_RESTARTS = 3

const FROM_THE_START: syncs.Step[] = [{ kind: 'accounts' }]

/** The step was read to its end: what it says becomes true, and is told of, at once. */
async function finish(
  reading: Reading,
  work: syncs.DueSync,
  { todo, trouble }: syncs.Position,
  { items }: Leaf,
): Promise<void> {
  const [step, ...rest] = todo
  if (!step) return
  await tell(reading.app, reading.tenant_id, async (tx) => {
    await fence(tx, work)
    const all = [...(await syncs.readPages(tx, work)), ...items]
    const settled = await settle(tx, reading, step, all)
    await syncs.dropPages(tx, work)
    await syncs.writePosition(tx, work, {
      ...AT_A_BEGINNING,
      todo: [...settled.todo, ...rest],
      ...(trouble && { trouble }),
    })
    return { out: undefined, drafts: settled.drafts }
  })
}

async function fence(tx: Tx, work: syncs.DueSync): Promise<void> {
  if (!(await syncs.isStillOurs(tx, work))) throw TAKEN_OVER
}

/** What the bank is like after it: in error until a sync goes well, and synced at the time of that one alone. */
async function end(app: App, work: syncs.DueSync, how: syncs.End): Promise<void> {
  const { tenant_id } = work
  await tell(app, tenant_id, async (tx) => {
    await fence(tx, work)
    const sync = await syncs.findSync(tx, work)
    const bank = sync && (await queries.lockBank(tx, { tenant_id, id: sync.bank_id }))
    await syncs.endSync(tx, work, how)
    if (!bank || how.state === 'skipped') return { out: undefined, drafts: [] }
    const is_well = how.state === 'succeeded'
    await queries.updateBank(
      tx,
      { tenant_id, id: bank.id },
      {
        ...(is_well && { last_synced_at: app.clock.now() }),
        ...(bank.state !== 'inactive' && { state: is_well ? 'active' : 'error', reason: how.message }),
      },
    )
    if (how.error !== null && SUSPICIOUS.has(how.error)) await suspect(app, tx, tenant_id, bank.id)
    const turned = !is_well && bank.state === 'active'
    return { out: undefined, drafts: turned ? [failureOf(bank, work, how)] : [] }
  })
}

/** 401 and 403: so a bank speaks whose customer has ended their consent there. */
const SUSPICIOUS = new Set<string>([TROUBLES.credentials_refused.code, TROUBLES.not_permitted.code])

const failureOf = (bank: queries.BankRow, { id }: syncs.DueSync, { error, message }: syncs.End) => ({
  type: 'bank.failed',
  entity_id: toWire('bank', bank.id),
  data: JSON.stringify({
    user_id: bank.user_id,
    bank_code: bank.bank_code,
    bank_id: toWire('bank', bank.id),
    sync_id: toWire('bank_sync', id),
    error,
    reason: message,
  }),
})

/** Where people have to agree, until they have nothing may be asked. */
const hasConsent = (app: App, tenant_id: string, bank_id: string): Promise<boolean> =>
  inTenant(app.db, tenant_id, async (tx) => Boolean(await currentConsent(app, tx, tenant_id, bank_id)))
