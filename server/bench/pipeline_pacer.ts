import { openLoop, type Pace, type Waits } from './open_loop.ts'
import { serveOrders } from './programs.ts'

/** One whole HTTP request, the same each time, at a pace of its own. */
export type PaceOrder = Pace & { request: string }

serveOrders('ready', async ({ request, ...pace }: PaceOrder): Promise<Waits> => {
  const bytes = Buffer.from(request)
  const waits = await openLoop(pace, () => bytes)
  if (waits.other > 0) throw new Error(`port ${pace.port} answered ${waits.other} otherwise than 2xx`)
  return waits
})
