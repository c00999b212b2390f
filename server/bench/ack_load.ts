import { openLoop, type Pace, type Waits } from './open_loop.ts'
import { serveOrders } from './programs.ts'
import { stripeRequests, type Target } from './stripe_messages.ts'

/** Stripe's messages, signed before the clock starts, sent when they are due. */
export type AckOrder = Pace & {
  targets: Target[]
  /** Part of every event's id. */
  run: string
}

serveOrders('ready', async ({ targets, run, ...pace }: AckOrder): Promise<Waits> => {
  const { per_second, warm_ms, measured_ms } = pace
  const requests = stripeRequests(targets, run, 0, Math.ceil((per_second * (warm_ms + measured_ms)) / 1000))
  return openLoop(pace, (n) => requests[n] as Buffer)
})
