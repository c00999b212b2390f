import { createHash } from 'node:crypto'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { type App, INSTALLATION } from '../app.ts'
import { countFailure, forgiveFailure } from './queries.ts'

const MOST = 10
export const WINDOW_MS = 15 * 60_000

export type Attempt = { email: string; ip: string | null }

/**
 * Counts an attempt as failed before it is looked at, so that many at once are no way around the limit: ten in a
 * quarter of an hour for each e-mail and each address, of all servers together. Throws 429 above it. A lock ends by
 * itself a quarter of an hour after the first of them.
 */
export async function takeAttempt(app: App, attempt: Attempt): Promise<void> {
  const now = app.clock.now()
  const from = new Date(now.getTime() - WINDOW_MS)
  const counted = await inTenant(app.db, INSTALLATION, async (tx) => {
    const address = await countFailure(tx, byAddress(attempt), now, from)
    // An address that is locked locks no e-mail besides.
    return address.failures > MOST
      ? [address]
      : [address, await countFailure(tx, byEmail(attempt), now, from)]
  })
  const locked = counted.filter(({ failures }) => failures > MOST)
  if (locked.length === 0) return
  app.telemetry.count('trilho_security_events_total', { kind: 'sign_in_locked' })
  const until_ms = Math.max(...locked.map(({ since }) => since.getTime() + WINDOW_MS))
  const retry_after_s = Math.max(1, Math.ceil((until_ms - now.getTime()) / 1000))
  const detail = `Signing in failed ${MOST} times. Wait ${Math.ceil(retry_after_s / 60)} minutes and try again.`
  throw new Problem('rate_limited', { detail, retry_after_s })
}

/** It succeeded: the e-mail begins anew, and the address, which others may share, has one failure less. */
export async function forgive(tx: Tx, attempt: Attempt): Promise<void> {
  await forgiveFailure(tx, byAddress(attempt), false) // in the order of counting, or two would wait for each other
  await forgiveFailure(tx, byEmail(attempt), true)
}

/** It neither succeeded nor failed: there is something to be said still. */
export const undoAttempt = (app: App, attempt: Attempt): Promise<void> =>
  inTenant(app.db, INSTALLATION, async (tx) => {
    await forgiveFailure(tx, byAddress(attempt), false)
    await forgiveFailure(tx, byEmail(attempt), false)
  })

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()
const byEmail = ({ email }: Attempt): Buffer => hashOf(`email ${email}`)
const byAddress = ({ ip }: Attempt): Buffer => hashOf(`ip ${networkOf(ip ?? '')}`)

/** Of IPv6 the first half: whoever has one address of it has all. */
const networkOf = (ip: string): string =>
  ip.includes(':') ? (ip.split('::')[0] ?? '').split(':').slice(0, 4).join(':') : ip
