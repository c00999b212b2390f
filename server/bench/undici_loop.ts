import { Pool } from 'undici'
import { signStandardWebhook } from '../kit/signatures.ts'
import { payload } from './events.ts'
import { serveOrders, settingsOf } from './programs.ts'

/** Loops that post, signed where there is a secret, and do nothing else. */
export type LoopSettings = { receiver: string; secret: string | null; clients: number }

const { receiver, secret, clients } = settingsOf<LoopSettings>()
const pool = new Pool(receiver, { connections: clients })

async function post(n: number): Promise<void> {
  const body = payload(n)
  const headers = { 'content-type': 'application/json', ...(secret !== null && signed(secret, n, body)) }
  const answer = await pool.request({ path: '/', method: 'POST', headers, body })
  await answer.body.text()
}

function signed(secret: string, n: number, body: string) {
  const timestamp = new Date()
  const id = `evt_${n}`
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
    'webhook-signature': signStandardWebhook({ secrets: [secret], id, timestamp, body }),
  }
}

serveOrders('ready', async ({ count }: { count: number }) => {
  let next = 0
  const loop = async () => {
    while (next < count) await post(next++)
  }
  await Promise.all(Array.from({ length: clients }, loop))
})
