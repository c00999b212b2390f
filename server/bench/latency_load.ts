import { callBody } from './events.ts'
import { openLoop, type Pace, type Waits } from './open_loop.ts'
import { serveOrders } from './programs.ts'

/** Publishers at a pace of their own: each event, of about 1 kB, says when it was due. */
export type PublishOrder = Pace & { key: string }

const REST = JSON.stringify(callBody(0)).slice(1)

serveOrders('ready', async ({ key, ...pace }: PublishOrder): Promise<Waits> => {
  const head =
    `POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
    'content-type: application/json\r\ncontent-length: '
  const requestOf = (_n: number, due_ms: number): Buffer => {
    const body = `{"type":"bench.paced","data":{"due_ms":${due_ms.toFixed(3)},${REST}}`
    return Buffer.from(`${head}${body.length}\r\n\r\n${body}`)
  }
  return openLoop(pace, requestOf)
})
