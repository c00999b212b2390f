import { setTimeout as sleep } from 'node:timers/promises'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import type { CreatePayment } from './create_schema.ts'

/** Asked before a payment is sent. `review` holds it until a person confirms it. */
export type Decision = 'approve' | 'review' | 'decline'
export type Judge = (
  payment: CreatePayment & { tenant_id: string; payment_id: string; connection_id: string },
) => Promise<Decision>

const judges = once((_app: App): { judge: Judge } => ({ judge: async () => 'approve' }))

/** The room of risk stands above this one and is handed in. */
export const judgePaymentsBy = (app: App, judge: Judge): void => {
  judges(app).judge = judge
}

/** The payer waits for it. */
const BUDGET_MS = 2_000

/** A judge that fails, or does not come to an end, punishes nobody. */
export async function judged(app: App, payment: Parameters<Judge>[0]): Promise<Decision> {
  const over = new AbortController()
  const late = sleep(BUDGET_MS, null, { signal: over.signal, ref: false }).catch(() => null)
  try {
    const decision = await Promise.race([judges(app).judge(payment), late])
    if (decision !== null) return decision
    throw new Error(`no decision within ${BUDGET_MS} ms`)
  } catch (err) {
    app.log.warn({ payment: payment.payment_id, err }, 'a payment was not judged, and goes on')
    return 'approve'
  } finally {
    over.abort()
  }
}
