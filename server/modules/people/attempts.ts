import { createHash } from 'node:crypto'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { type App, INSTALLATION } from '../app.ts'
import { countFailure, forgiveFailure } from './queries.ts'

/** An address is stopped by itself long before an e-mail is: one stranger locks nobody else out. */
const MOST_OF_ADDRESS = 10
const MOST_OF_EMAIL = 50
const MOST_OF_CODES = 10
/** A whole company may come from one address. */
const MOST_OF_STARTS = 60
export const WINDOW_MS = 15 * 60_000

export type Attempt = { email: string; ip: string | null }

type Counter = { who: Buffer; most: number }

/**
 * Counts an attempt as failed before it is looked at, so that many at once are no way around the limit: ten in a
 * quarter of an hour for each address and fifty for each e-mail, of all servers together. Throws 429 above it. A lock
 * ends by itself a quarter of an hour after the first of them.
 */
export const takeAttempt = (app: App, attempt: Attempt): Promise<void> =>
  count(app, [
    { who: byAddress(attempt), most: MOST_OF_ADDRESS },
    { who: byEmail(attempt), most: MOST_OF_EMAIL },
  ])

/** As takeAttempt, for a code of the second factor: ten for each person, who has proven the password or holds a link. */
export const takeCodeAttempt = (app: App, person_id: string): Promise<void> =>
  count(app, [{ who: byCodes(person_id), most: MOST_OF_CODES }])

/** As takeAttempt, for setting out for a company's sign-in: sixty for each address that did not come back signed in. */
export const takeStart = (app: App, ip: string | null): Promise<void> =>
  count(app, [{ who: byStarts(ip), most: MOST_OF_STARTS }], 'Signing in was begun and not ended')

/** Who set out has come back. */
export const forgiveStart = (tx: Tx, ip: string | null): Promise<void> =>
  forgiveFailure(tx, byStarts(ip), false)

async function count(app: App, counters: Counter[], what = 'Signing in failed'): Promise<void> {
  const now = app.clock.now()
  const locked = await inTenant(app.db, INSTALLATION, (tx) => firstLocked(tx, counters, now))
  if (locked === null) return
  app.telemetry.count('trilho_security_events_total', { kind: 'sign_in_locked' })
  const retry_after_s = Math.max(1, Math.ceil((locked.since.getTime() + WINDOW_MS - now.getTime()) / 1000))
  const detail = `${what} ${locked.most} times. Wait ${Math.ceil(retry_after_s / 60)} minutes and try again.`
  throw new Problem('rate_limited', { detail, retry_after_s })
}

/** What comes after it is not counted: an address that is locked locks no e-mail besides. */
async function firstLocked(
  tx: Tx,
  counters: Counter[],
  now: Date,
): Promise<{ since: Date; most: number } | null> {
  const from = new Date(now.getTime() - WINDOW_MS)
  for (const { who, most } of counters) {
    const { failures, since } = await countFailure(tx, who, now, from)
    if (failures > most) return { since, most }
  }
  return null
}

/** It succeeded: the e-mail begins anew, and the address, which others may share, has one failure less. */
export async function forgive(tx: Tx, attempt: Attempt): Promise<void> {
  await forgiveFailure(tx, byAddress(attempt), false) // in the order of counting, or two would wait for each other
  await forgiveFailure(tx, byEmail(attempt), true)
}

/** A code was right: the next ones begin anew. */
export const forgiveCodes = (tx: Tx, person_id: string): Promise<void> =>
  forgiveFailure(tx, byCodes(person_id), true)

/** It neither succeeded nor failed: there is something to be said still. */
export const undoAttempt = (app: App, attempt: Attempt): Promise<void> =>
  inTenant(app.db, INSTALLATION, async (tx) => {
    await forgiveFailure(tx, byAddress(attempt), false)
    await forgiveFailure(tx, byEmail(attempt), false)
  })

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()
const byEmail = ({ email }: Attempt): Buffer => hashOf(`email ${email}`)
const byCodes = (person_id: string): Buffer => hashOf(`codes ${person_id}`)
const byStarts = (ip: string | null): Buffer => hashOf(`starts ${networkOf(ip ?? '')}`)
const byAddress = ({ ip }: Attempt): Buffer => hashOf(`ip ${networkOf(ip ?? '')}`)

/** Of IPv6 the first half: whoever has one address of it has all. */
const networkOf = (ip: string): string =>
  ip.includes(':') ? (ip.split('::')[0] ?? '').split(':').slice(0, 4).join(':') : ip
