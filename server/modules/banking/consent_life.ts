import type { VendorConsent } from '../../kit/banking.ts'
import { inTenant } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { tell } from '../events/events.ts'
import * as queries from './consent_queries.ts'
import { dropTokenOf, replaceOthers } from './consent_tokens.ts'
import { draftOf } from './consent_told.ts'
import { endConsent } from './consents.ts'
import { lockBank } from './queries.ts'
import { enqueueRevoke, openedFor } from './revocations.ts'
import { ask, type Heard } from './vendor.ts'

/**
 * What becomes of consents while nobody asks: the person comes back from the bank, or never does; the bank ends one; one
 * nears its end. Each move is guarded by the state it starts from, so that it is made once whoever sees it first.
 */

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** How often the bank is asked of a consent that holds. */
const AGAIN_MS = 6 * HOUR_MS
const WARN_MS = 7 * DAY_MS

const isOf = (payload: unknown): payload is { consent_id: string; is_let_in?: boolean } =>
  typeof payload === 'object' && payload !== null && 'consent_id' in payload

/** Somebody is back from the bank's page. Thrown, it is done again. */
export async function cameBack(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  if (!isOf(payload)) return
  const row = await inTenant(app.db, tenant_id, (tx) =>
    queries.findConsent(tx, { tenant_id, id: payload.consent_id }),
  )
  const let_in_at = payload.is_let_in === true ? timeOfId(id) : null
  if (row?.state !== 'AWAITING_AUTHORISATION')
    return row && let_in_at ? dropLate(app, row, let_in_at) : undefined
  const known = let_in_at ? await letIn(app, row, let_in_at) : row
  if (!known) return
  const heard = await askBank(app, known)
  if ('trouble' in heard) throw new Error(`the bank was not heard on a consent: ${heard.trouble.code}`)
  if (known.let_in_at !== null && heard.told.status === 'AWAITING_AUTHORISATION')
    throw new Error('the bank gave a token and says that it still waits')
  await heed(app, known, heard.told)
}

/** On record before the bank is asked: whoever asks it later has to know that a token came, and when. */
const letIn = (app: App, row: queries.ConsentRow, let_in_at: Date): Promise<queries.ConsentRow | undefined> =>
  inTenant(app.db, row.tenant_id, (tx) =>
    queries.moveConsent(tx, row, ['AWAITING_AUTHORISATION'], { let_in_at }),
  )

/** They came back with a token of a consent that was ended meanwhile. */
const dropLate = (app: App, { tenant_id, id, bank_id }: queries.ConsentRow, let_in_at: Date): Promise<void> =>
  tell(app, tenant_id, async (tx) => {
    await lockBank(tx, { tenant_id, id: bank_id })
    const row = await queries.moveConsent(tx, { tenant_id, id }, ['REJECTED'], { let_in_at })
    return { out: undefined, drafts: row ? await dropTokenOf(app, tx, row) : [] }
  })

/** A consent that the bank has agreed to and that brought no token is of no use to anybody: it is ended. */
async function heed(app: App, row: queries.ConsentRow, told: VendorConsent): Promise<void> {
  if (told.status === 'REJECTED') return void (await endConsent(app, row, told.rejection ?? UNSAID))
  if (told.status === 'AWAITING_AUTHORISATION') return
  if (row.let_in_at !== null) return authorise(app, row, told)
  const rejection = {
    code: 'CONSENT_TECHNICAL_ISSUE',
    by: 'TPP',
    detail: 'the bank agreed and gave no token',
  }
  await endConsent(app, row, rejection, (tx) => enqueueRevoke(app, tx, row))
}

const UNSAID = { code: 'UNKNOWN', by: null, detail: null }

/** The token came with this one: those before it lost theirs, and are given back to the bank. */
async function authorise(app: App, row: queries.ConsentRow, told: VendorConsent): Promise<void> {
  const { tenant_id, bank_id } = row
  const replaced = await tell(app, tenant_id, async (tx) => {
    const now = app.clock.now()
    await lockBank(tx, { tenant_id, id: bank_id })
    const moved = await queries.moveConsent(tx, row, ['AWAITING_AUTHORISATION'], {
      state: 'AUTHORISED',
      authorised_at: now,
      permissions: told.permissions,
      ...untilAgain(now, told.expires_at),
    })
    if (!moved) return { out: 0, drafts: [] }
    const others = await replaceOthers(app, tx, moved)
    return { out: others.length, drafts: [draftOf('consent.authorised', moved), ...others] }
  })
  if (replaced > 0) app.db.notify('trilho_job', 'new')
}

const GONE = { code: 'not_found', message: 'The connection is gone.', vendor_code: null }

async function askBank(app: App, row: queries.ConsentRow): Promise<Heard<VendorConsent>> {
  const connection = await openedFor(app, row)
  if (connection === null || row.vendor_id === null) return { trouble: GONE }
  return ask<VendorConsent>(app, connection, 'banking.consents.find', { vendor_id: row.vendor_id })
}

/** By the clock: what waited too long, what the bank may have ended, what is about to end. */
export async function keepConsents(app: App): Promise<void> {
  await askDue(app)
  const soon = new Date(app.clock.now().getTime() + WARN_MS)
  for (const row of await queries.listEnding(app.db.worker, soon)) await each(app, row, warn)
}

/** So that a bank that hangs holds up few, and what is left is over before the next turn of the schedule. */
const ASKED_AT_ONCE = 4
const ASKING_MS = 60_000
/** Longer than any question takes. */
const CLAIM_MS = 600_000

async function askDue(app: App): Promise<void> {
  const due = (await queries.listDue(app.db.worker, app.clock.now())).values()
  const until = app.clock.monotonic() + ASKING_MS
  const lane = async (): Promise<void> => {
    for (const row of due) {
      if (app.clock.monotonic() > until) return
      await each(app, row, claimAndAsk)
    }
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, lane))
}

async function claimAndAsk(app: App, row: queries.ConsentRow): Promise<void> {
  const now = app.clock.now()
  const until = new Date(now.getTime() + CLAIM_MS)
  const claimed = await inTenant(app.db, row.tenant_id, (tx) => queries.claimConsent(tx, row, now, until))
  if (claimed) await askAgain(app, claimed)
}

/** A sync was refused as if the consent were over: the bank is asked at once, rather than hours later. */
export async function lookAtOnce(app: App, { tenant_id, payload }: Job): Promise<void> {
  if (!isOf(payload)) return
  const row = await inTenant(app.db, tenant_id, (tx) =>
    queries.findConsent(tx, { tenant_id, id: payload.consent_id }),
  )
  if (row?.state === 'AUTHORISED') await claimAndAsk(app, row)
}

/** When it ends, and when the bank is asked of it next: then at the latest. */
function untilAgain(now: Date, told: string | null) {
  const expires_at = told === null ? null : new Date(told)
  const again = new Date(now.getTime() + AGAIN_MS)
  return { expires_at, look_at: expires_at && expires_at > now && expires_at < again ? expires_at : again }
}

/** One that fails holds up none of the others. */
const each = (
  app: App,
  row: queries.ConsentRow,
  what: (app: App, row: queries.ConsentRow) => Promise<void>,
) =>
  what(app, row).catch((err: unknown) => {
    const consent = toWire('bank_consent', row.id)
    app.log.warn({ crossing: 'banking', consent, err }, 'a consent was not looked after')
  })

async function askAgain(app: App, row: queries.ConsentRow): Promise<void> {
  if (row.state === 'CREATING') return void (await endConsent(app, row, EXPIRED))
  const heard = await askBank(app, row)
  const now = app.clock.now()
  if ('trouble' in heard) return unheard(app, row, heard.trouble.code === 'not_found')
  const { status, rejection } = heard.told
  if (status === 'REJECTED') return void (await endConsent(app, row, rejection ?? UNSAID))
  // Nobody came back within the hour, or the bank's hour is a little longer.
  if (row.state === 'AWAITING_AUTHORISATION') return heed(app, row, agreed(heard.told, row, now))
  await inTenant(app.db, row.tenant_id, (tx) =>
    queries.holdOn(tx, row, untilAgain(now, heard.told.expires_at)),
  )
}

/** A consent that a bank leaves waiting for hours is over all the same: the visit to it is. */
const agreed = (told: VendorConsent, row: queries.ConsentRow, now: Date): VendorConsent =>
  told.status === 'AWAITING_AUTHORISATION' && isLongAwaited(row, now)
    ? { ...told, status: 'REJECTED', rejection: EXPIRED }
    : told

const isLongAwaited = ({ created_at }: queries.ConsentRow, now: Date): boolean =>
  now.getTime() - created_at.getTime() > 2 * HOUR_MS

const EXPIRED = { code: 'CONSENT_EXPIRED', by: 'TPP', detail: 'nobody authorised it in time' }
const OVER = { code: 'CONSENT_MAX_DATE_REACHED', by: 'TPP', detail: 'its time is over' }

/** Where the bank cannot be asked, time alone ends what it has to. */
async function unheard(app: App, row: queries.ConsentRow, is_gone: boolean): Promise<void> {
  const now = app.clock.now()
  if (is_gone) return void (await endConsent(app, row, { ...UNSAID, detail: 'the bank knows nothing of it' }))
  if (row.state === 'AWAITING_AUTHORISATION' && !isLongAwaited(row, now)) return // asked again when its claim ends
  // Should the bank have a yes that never reached us, it gets it back.
  if (row.state === 'AWAITING_AUTHORISATION')
    return void (await endConsent(app, row, EXPIRED, (tx) => enqueueRevoke(app, tx, row)))
  if (row.expires_at && row.expires_at < now) return void (await endConsent(app, row, OVER))
  await inTenant(app.db, row.tenant_id, (tx) =>
    queries.holdOn(tx, row, untilAgain(now, row.expires_at?.toISOString() ?? null)),
  )
}

/** Once, seven days ahead: whoever extends it is warned again. */
async function warn(app: App, row: queries.ConsentRow): Promise<void> {
  await tell(app, row.tenant_id, async (tx) => {
    const warned = await queries.markWarned(tx, row, app.clock.now())
    return { out: null, drafts: warned ? [draftOf('consent.expiring', warned)] : [] }
  })
}
