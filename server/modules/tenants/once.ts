import { inTenant } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { claimKey, closeKey, deleteKey, deleteOldKeys, type KeyHolder, loseKey } from './queries.ts'

/** One request that must not happen twice: whose it is, under which key, and which process runs it. */
export type Claim = KeyHolder & { fingerprint: Buffer; process_id: string }
/** `body` is base64. */
export type Answer = { status: number; headers: Record<string, string | string[]>; body: string }
export type Attempted =
  | { state: 'mine' }
  | { state: 'started' | 'unknown' | 'other' }
  | { state: 'done'; answer: Answer }

/** Answers are given again for this long; then the key is as good as new. */
const KEPT_MS = 24 * 3_600_000
/** A claim of another process is given up for lost after this. If that one still ends, its answer counts again. */
const LOST_AFTER_MS = 60_000

/**
 * Claims a key, or says what became of the request that did. `isRunning` knows the claims of this process; one
 * that it made and no longer runs was cut off.
 */
export async function beginOnce(app: App, claim: Claim, isRunning: () => boolean): Promise<Attempted> {
  const now_ms = app.clock.now().getTime()
  return inTenant(app.db, claim.tenant_id, async (tx) => {
    const found = await claimKey(tx, claim, { now: new Date(now_ms), forgotten: new Date(now_ms - KEPT_MS) })
    if (found === null) return { state: 'mine' }
    if (!found.fingerprint.equals(claim.fingerprint)) return { state: 'other' }
    if (found.state === 'done' && found.answer) {
      const opened = await app.vault.open(tx, claim.tenant_id, contextOf(claim), found.answer)
      return { state: 'done', answer: JSON.parse(opened.toString()) as Answer }
    }
    if (found.state !== 'started') return { state: 'unknown' }
    const is_lost =
      found.process === claim.process_id ? !isRunning() : now_ms - found.created_at.getTime() > LOST_AFTER_MS
    if (!is_lost) return { state: 'started' }
    await loseKey(tx, claim)
    return { state: 'unknown' }
  })
}

/** Keeps the answer, sealed: it may hold a secret that is shown only once. */
export async function finishOnce(app: App, claim: Claim, answer: Answer): Promise<void> {
  await inTenant(app.db, claim.tenant_id, async (tx) => {
    const sealed = await app.vault.seal(
      tx,
      claim.tenant_id,
      contextOf(claim),
      Buffer.from(JSON.stringify(answer)),
    )
    await closeKey(tx, claim, sealed)
  })
}

/** The request failed on our side: the key is free again. */
export const forgetOnce = (app: App, claim: Claim): Promise<void> =>
  inTenant(app.db, claim.tenant_id, (tx) => deleteKey(tx, claim))

/** The request ran and its answer cannot be given again. */
export const loseOnce = (app: App, claim: Claim): Promise<void> =>
  inTenant(app.db, claim.tenant_id, (tx) => loseKey(tx, claim))

/** Deletes the keys of all tenants that are older than a day. Returns how many. */
export const forgetOldAnswers = (app: App): Promise<number> =>
  deleteOldKeys(app.db.owner, new Date(app.clock.now().getTime() - KEPT_MS))

const contextOf = ({ actor, key }: KeyHolder): string => `idempotency ${actor} ${key}`
