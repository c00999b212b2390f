import pg from 'pg'
import { Pool } from 'undici'
import { signStandardWebhook } from '../../kit/signatures.ts'

/** What both queues do with a job: the same signed POST as ours, and one attempt row for each. */
export type PeerSettings = {
  url: string
  receiver: string
  secret: string
  clients: number
  redis_port?: number
}

export type Job = { id: string; data: string }

export function createPost({ url, receiver, secret, clients }: PeerSettings): (job: Job) => Promise<void> {
  const http = new Pool(receiver, { connections: clients })
  const database = new pg.Pool({ connectionString: url, max: 20 })
  return async ({ id, data }) => {
    const timestamp = new Date()
    const body = `{"type":"payment.completed","timestamp":"${timestamp.toISOString()}","data":${data}}`
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
      'webhook-signature': signStandardWebhook({ secrets: [secret], id, timestamp, body }),
    }
    const started = performance.now()
    const answer = await http.request({ path: '/', method: 'POST', headers, body })
    const text = await answer.body.text()
    await database.query({
      name: 'attempt',
      text: `insert into bench_attempt (event_id, status, duration_ms, request_headers, response_headers, response_body)
             values ($1, $2, $3, $4, $5, $6)`,
      values: [
        id,
        answer.statusCode,
        Math.round(performance.now() - started),
        JSON.stringify(headers),
        JSON.stringify(answer.headers),
        text,
      ],
    })
  }
}
