import type { SettlePlan } from '../../kit/settles.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { inTenant } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { putPlan } from './settle_queries.ts'

/** How the outcome of a call is found out, and what was asked, with its idempotency key. */
type Kept = { plan: SettlePlan; request: HttpRequest }

/** Kept before the first byte leaves, since whoever finds the call cut off has nothing else to ask by. Sealed. */
export async function keepPlan(app: App, tenant_id: string, call_id: string, kept: Kept): Promise<void> {
  const text = Buffer.from(JSON.stringify(kept, plain))
  await inTenant(app.db, tenant_id, async (tx) => {
    const plan = await app.vault.seal(tx, tenant_id, contextOf(call_id), text)
    await putPlan(tx, { tenant_id, call_id, plan })
  })
}

export async function openPlan(app: App, tenant_id: string, call_id: string, plan: Buffer): Promise<Kept> {
  const text = await inTenant(app.db, tenant_id, (tx) =>
    app.vault.open(tx, tenant_id, contextOf(call_id), plan),
  )
  return JSON.parse(text.toString()) as Kept
}

const contextOf = (call_id: string) => `call_unsettled plan ${call_id}`

/** Amounts may be bigints; as text they are written alike. */
const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
