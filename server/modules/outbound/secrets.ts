import { newWebhookKeyPair, newWebhookSecret, verifyingKey } from '../../kit/webhook_keys.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { forgetSubscriptions, previousSecretOf } from './audience.ts'
import * as queries from './queries.ts'
import type { RotateSecret } from './schema.ts'
import {
  forgetPreviousSecrets as forget,
  lockPreviousSecrets,
  type PreviousSecret,
} from './secret_queries.ts'

/** What signs: a subscription's secret, and those before it while they overlap. */

const OVERLAP_HOURS = 24
/** Old ones at once: each is one more signature in every delivery. */
const MOST_PREVIOUS = 5

/** The one given, or a fresh one of the kind wanted. A pair is always ours: nobody else is to hold its secret half. */
export function signingSecret({
  secret,
  signature = 'v1',
}: Pick<RotateSecret, 'secret' | 'signature'>): string {
  if (signature === 'v1') return secret ?? newWebhookSecret()
  if (secret === undefined) return newWebhookKeyPair().secret
  throw new Problem('invalid_request', {
    field: 'secret',
    detail: 'secret must be left out with v1a; the pair is made here, and its public key is in the answer',
  })
}

/** The signing secret, for the receiver to verify with; of `v1a` the public key. */
export async function readSecret(app: App, actor: Actor, wire_id: string): Promise<{ secret: string }> {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.findSubscription(tx, tenant_id, id))) throw missing(wire_id)
    const secret = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secret' })
    if (secret === null) throw new Error(`subscription ${wire_id} has no secret`)
    await audit(tx, actor, 'subscription.read_secret', wire_id)
    return { secret: verifyingKey(secret) }
  })
}

/**
 * A new secret. Those before it sign beside it, each until its own overlap ends, so that receivers can change over in their
 * own time; no overlap ends all of them at once.
 */
export async function rotateSecret(app: App, actor: Actor, wire_id: string, input: RotateSecret) {
  const id = fromWire('subscription', wire_id)
  const { tenant_id } = actor
  const { overlap_hours = OVERLAP_HOURS } = input
  return inTenant(app.db, tenant_id, async (tx) => {
    const kept = await lockPreviousSecrets(tx, tenant_id, id)
    if (!kept) throw missing(wire_id)
    const secret = await nextSecret(app, tx, { tenant_id, id, input })
    const previous =
      overlap_hours > 0 ? await oldSecrets(app, tx, { tenant_id, id, kept, overlap_hours }) : []
    const last = previous.map(({ until }) => until).sort()
    const until = last.at(-1) ?? null
    await queries.updateSubscription(tx, tenant_id, id, {
      previous_secrets: JSON.stringify(previous),
      previous_secret_until: until === null ? null : new Date(until),
    })
    await app.vault.put(tx, { tenant_id, owner_id: id, field: 'secret' }, secret)
    forgetSubscriptions(tx, tenant_id)
    await audit(tx, actor, 'subscription.rotate_secret', wire_id, { overlap_hours })
    return { secret: verifyingKey(secret), previous_secret_until: until }
  })
}

/** Where nothing else is asked, of the kind of the one before it: receivers that hold a public key verify nothing else. */
async function nextSecret(
  app: App,
  tx: Tx,
  { tenant_id, id, input }: { tenant_id: string; id: string; input: RotateSecret },
): Promise<string> {
  if (input.signature || input.secret !== undefined) return signingSecret(input)
  const now = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secret' })
  return signingSecret({ signature: now !== null && verifyingKey(now) !== now ? 'v1a' : 'v1' })
}

/** Those whose overlap goes on, and the one that is replaced. */
async function oldSecrets(
  app: App,
  tx: Tx,
  of: { tenant_id: string; id: string; kept: PreviousSecret[]; overlap_hours: number },
): Promise<PreviousSecret[]> {
  const { tenant_id, id, overlap_hours } = of
  const now = app.clock.now().getTime()
  const open = of.kept.filter(({ until }) => Date.parse(until) > now)
  if (open.length >= MOST_PREVIOUS) throw tooMany(open)
  const replaced = await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secret' })
  if (replaced === null) return open
  const sealed = await app.vault.seal(tx, tenant_id, previousSecretOf(id), Buffer.from(replaced))
  const until = new Date(now + overlap_hours * 3_600_000).toISOString()
  return [...open, { sealed: sealed.toString('base64'), until }]
}

function tooMany(open: PreviousSecret[]): Problem {
  const [first] = open.map(({ until }) => until).sort()
  return new Problem('conflict', {
    detail: `five old secrets sign still, and no more may; wait until the first of them ends at ${first}, or rotate with overlap_hours 0, which ends all of them at once`,
  })
}

/** Drops the old secrets whose overlap is over; they stopped signing by themselves. */
export const forgetPreviousSecrets = (app: App): Promise<void> => forget(app.db.owner)

const missing = (id: string) => new Problem('not_found', { detail: `there is no subscription ${id}` })
