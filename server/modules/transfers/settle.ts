import type { VendorTransfer } from '../../kit/transfers.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import type { Answer } from '../calls/calls.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { lapse } from './approvals.ts'
import { plan, waitingFor } from './create.ts'
import { dayOf } from './days.ts'
import type { Status } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { giveUp, isTooLate, send } from './send.ts'
import { applyTold, follow, go, lookAfter, wireOf } from './told.ts'
import { ask, asker, markOf } from './vendor.ts'

/**
 * What goes on with a transfer while nobody waits for it: nobody approves it in time, its day comes, it is sent where a
 * process died before that, it is let go, and what became of it is found out by asking, again and again, until it is known. Never a guess, and never a
 * second time.
 */

/** After these it is asked again, and then every six hours for as long as it takes. */
const WAITS_S = [5, 15, 60, 300, 900, 3_600, 3_600, 3_600]
const SLOWEST_S = 6 * 3_600

/** Of these something is to come yet by itself. */
const OPEN: readonly Status[] = ['awaiting_approval', 'scheduled', 'pending', 'processing']

type Payload = { transfer_id: string; tries: number; denied: number; looks: number }

/** One turn of the chain. A job that is not the one of now was cut off, or somebody has gone on with it meanwhile. */
export async function settle(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  const { transfer_id, tries, denied, looks } = payload as Payload
  const place = { tenant_id, id: transfer_id }
  const row = await read(app, place)
  if (row?.job_id !== id) return
  const heard = await goOn(app, place, row, denied).catch((err: unknown) => {
    app.log.warn({ crossing: 'transfer', transfer: wireOf(place), err }, 'not settled this time')
    return denied
  })
  await inTenant(app.db, tenant_id, async (tx) => {
    const now = must(await queries.findTransfer(tx, place))
    const is_open = OPEN.includes(now.status)
    const turn = is_open
      ? { wait_s: WAITS_S[tries] ?? SLOWEST_S, tries: tries + 1, denied: heard }
      : lookAfter(now, looks)
    const next = turn && app.newId()
    if ((await queries.relink(tx, place, next, id)) && turn && next)
      await queries.enqueueTurn(app, tx, place, next, turn)
  })
}

const read = (app: App, place: queries.Place) =>
  inTenant(app.db, place.tenant_id, (tx) => queries.findTransfer(tx, place))

/** Gives how often the bank has known nothing of it. */
async function goOn(
  app: App,
  place: queries.Place,
  row: queries.TransferRow,
  denied: number,
): Promise<number> {
  if (row.status === 'awaiting_approval') {
    await lapse(app, place)
    return denied
  }
  if (row.status === 'scheduled') {
    await begin(app, place)
    return denied
  }
  const connection = await opened(app, place, row)
  if (row.status === 'pending' && (await isTooLate(app, place, connection))) {
    await giveUp(app, place, connection)
    return denied
  }
  if (connection?.state !== 'enabled') return denied
  if (row.status === 'pending') {
    await send(app, asker(connection), connection, place, { cause: 'schedule', cause_id: null })
    return denied
  }
  if (!(await isOfAccount(app, connection, place, row))) {
    await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, CHANGED))
    return denied
  }
  const heard = row.vendor_id === null ? await seek(app, connection, place, row, denied) : denied
  if ((await refreshTransfer(app, asker(connection), connection, place)) === 'awaiting_release')
    await release(app, connection, place)
  return heard
}

/** Its day has come. What sends it is a job of its own, so that this one may be cut off anywhere. */
const begin = (app: App, place: queries.Place): Promise<void> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (row.status !== 'scheduled') return { out: undefined, drafts: [] }
    if (waitingFor(app, row.scheduled_for) === 'scheduled') {
      await plan(app, tx, place, row)
      return { out: undefined, drafts: [] }
    }
    const gone = must(await go(tx, place, row, 'pending', { cause: 'schedule', cause_id: null }))
    await plan(app, tx, place, gone.row, 0)
    return { out: undefined, drafts: gone.drafts }
  })

/** Null where it was deleted: then nobody can be asked any more, and what is unknown says so. */
async function opened(
  app: App,
  place: queries.Place,
  { connection_id }: queries.TransferRow,
): Promise<OpenConnection | null> {
  const connection = await openConnection(app, place.tenant_id, connection_id).catch(orGone)
  if (!connection) await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, GONE))
  return connection
}

function orGone(error: unknown): null {
  if (error instanceof Problem && error.code === 'not_found') return null
  throw error
}

const SAY_SO = 'say by /resolve what became of it'
const GONE = {
  reason: 'unknown',
  code: 'connection_deleted',
  message: `its connection was deleted, and nobody can be asked; ${SAY_SO}`,
} as const
const CHANGED = {
  reason: 'unknown',
  code: 'connection_changed',
  message: `its connection was given other settings or credentials since it was sent, and the bank does not show it there; set them back, or ${SAY_SO}`,
} as const
const TAKEN = {
  reason: 'duplicate',
  code: 'number_taken',
  message: `the bank shows a transfer under its number that is not it; look it up at the bank, and ${SAY_SO}`,
} as const

const NOT_SHOWN = {
  reason: 'unknown',
  code: 'not_shown',
  message: `the bank does not show it, which proves nothing at this bank; it is asked on, or look at its pages, and ${SAY_SO}`,
} as const

/** That the bank knows nothing of it counts after this, and twice: who asked has given up long ago. */
const KNOWN_WITHIN_S = 2 * 3_600
const DENIALS = 2

/** Looks for one that the bank has told no id of. */
async function seek(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  row: queries.TransferRow,
  denied: number,
): Promise<number> {
  const answer = await askByReference(app, connection, place, row)
  const found = answer.kind === 'told' ? answer.told : null
  if (found) {
    await adopt(app, place, found, { cause: 'answer', cause_id: answer.call_id, asked_at: row.version })
    return denied
  }
  if (!isNotThere(answer)) return denied
  if (connection.opened.provider.transfers?.absence_proves_nothing) {
    await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, NOT_SHOWN))
    return denied
  }
  const age_s = (app.clock.now().getTime() - (row.sent_at?.getTime() ?? 0)) / 1000
  if (age_s < KNOWN_WITHIN_S) return denied
  if (denied + 1 >= DENIALS)
    await apply(app, place, NEVER_HEARD, { cause: 'answer', cause_id: answer.call_id, asked_at: row.version })
  return denied + 1
}

function askByReference(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  { number, method, sent_at }: queries.TransferRow,
): Promise<Answer<VendorTransfer | null>> {
  const input = {
    ...{ reference: wireOf(place), method },
    ...(number !== null && { number }),
    ...(sent_at !== null && { date: dayOf(sent_at) }),
  }
  return ask(app, asker(connection), connection, { verb: 'find_by_reference', input })
}

/** Another account knows nothing of it in truth. A secret that was only renewed leads to one that shows it. */
async function isOfAccount(
  app: App,
  connection: OpenConnection,
  place: queries.Place,
  row: queries.TransferRow,
): Promise<boolean> {
  if (row.account?.equals(await markOf(app, connection))) return true
  const answer = await askByReference(app, connection, place, row)
  return answer.kind === 'told' && answer.told?.reference === wireOf(place)
}

const isNotThere = (answer: Answer<VendorTransfer | null>): boolean =>
  answer.kind === 'told' || (answer.kind === 'refused' && answer.failure.reason === 'not_found')

const NEVER_HEARD = {
  status: 'failed',
  word: null,
  failure: { reason: 'not_found', code: null, message: 'the bank knows nothing of it' },
} as const

/** Only what bears our reference is ours: another system may have used the number before. */
async function adopt(
  app: App,
  place: queries.Place,
  found: VendorTransfer,
  cause: Parameters<typeof applyTold>[3],
): Promise<void> {
  if (found.reference !== wireOf(place))
    await inTenant(app.db, place.tenant_id, (tx) => queries.noteWait(tx, place, TAKEN))
  else await apply(app, place, found, cause)
}

const apply = (
  app: App,
  place: queries.Place,
  told: VendorTransfer,
  cause: Parameters<typeof applyTold>[3],
): Promise<queries.TransferRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const { row, drafts } = await applyTold(tx, place, told, cause)
    return { out: row, drafts }
  })

/** As the bank has it now, which is believed above all that came before the question. Gives the bank's word, if any. */
export async function refreshTransfer(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<VendorTransfer['status'] | null> {
  const row = must(await read(app, place))
  const { vendor_id, method, version } = row
  if (vendor_id === null) return null
  const question = { verb: 'find', input: { vendor_id, method } } as const
  const answer = await ask<VendorTransfer | null>(app, actor, connection, question)
  if (answer.kind !== 'told' || !answer.told) return null
  await apply(app, place, answer.told, { cause: 'answer', cause_id: answer.call_id, asked_at: version })
  return answer.told.status
}

/** Done twice it is the same, so that an answer that was lost is no harm. */
async function release(app: App, connection: OpenConnection, place: queries.Place): Promise<void> {
  const { provider, settings } = connection.opened
  const row = must(await read(app, place))
  if (row.cancel_asked || row.status !== 'processing') return
  if (!provider.transfers?.releases?.(settings)) return
  const { number, method } = row
  const input = { reference: wireOf(place), method, ...(number !== null && { number }) }
  await ask<null>(app, asker(connection), connection, { verb: 'release', input })
}

/** Looks for it, or at it, for somebody who waits; its job goes on from there. */
export async function lookNow(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<void> {
  const before = must(await read(app, place))
  if (before.sent_at !== null && !(await isOfAccount(app, connection, place, before)))
    throw new Problem('conflict', {
      detail: `the connection of ${wireOf(place)} was given other settings or credentials since it was sent, and the bank does not show it there; set them back to ask`,
    })
  if (before.sent_at !== null && before.vendor_id === null) await seek(app, connection, place, before, 0)
  await refreshTransfer(app, actor, connection, place)
  await inTenant(app.db, place.tenant_id, async (tx) => {
    const now = must(await queries.lockTransfer(tx, place))
    if (now.status !== before.status) await follow(app, tx, place, now)
  })
}
