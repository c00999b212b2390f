import { Agent, request } from 'node:http'

/** Sends a request as it is written: `fetch` would mend the path, the headers and the body. */
export type Sent = {
  method: string
  path: string
  headers?: Record<string, string | string[]>
  body?: Buffer | string | null
}

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The parsed body where it is JSON, else empty. */
  body: Record<string, unknown>
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 })
export const closeConnections = (): void => agent.destroy()

/** A stream of events ends when nobody listens any more, and no sooner. */
const LISTENS_MS = 500

export function exchange(url: string, { method, path, headers = {}, body = null }: Sent): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      const told = () => {
        const text = Buffer.concat(chunks).toString()
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, headers, text, body: parsed(headers['content-type'], text) })
      }
      response.on('end', told)
      if (!/event-stream/.test(response.headers['content-type'] ?? '')) return
      const enough = setTimeout(() => {
        told()
        response.destroy()
      }, LISTENS_MS)
      response.on('end', () => clearTimeout(enough))
    })
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

function parsed(type: string | undefined, text: string): Record<string, unknown> {
  if (!/json/.test(type ?? '') || text === '') return {}
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
