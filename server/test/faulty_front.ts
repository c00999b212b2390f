import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { undoAfter } from './harness.ts'

/**
 * Stands before a sandbox and gives requests the faults it is told to, since who calls through a room cannot write the
 * sandbox's header. What comes through is passed on to the byte.
 */
export type Front = {
  url: string
  /** Every request whose method and path match meets this fault, until `calm`. */
  fault(match: RegExp, fault: string): void
  calm(): void
  /** The next one that matches waits before its answer is passed on. */
  hold(match: RegExp, until: () => Promise<unknown>): void
  /** Answers what matches in the vendor's place, wherever `given` has an answer; `calm` does not end it. */
  say(match: RegExp, given: (asked: Asked) => { status: number; body: unknown } | null): void
  /** Method and path of all that came. */
  seen: string[]
}

/** `key`: the idempotency key. */
export type Asked = { key: string; body: string }

export async function openFront(behind: string): Promise<Front> {
  let faults: { match: RegExp; fault: string }[] = []
  const holds: { match: RegExp; until: () => Promise<unknown> }[] = []
  const says: { match: RegExp; given: Parameters<Front['say']>[1] }[] = []
  const seen: string[] = []
  const server = createServer(async (incoming, response) => {
    const what = `${incoming.method} ${incoming.url}`
    seen.push(what)
    const fault = faults.find((one) => one.match.test(what))
    const at = holds.findIndex((one) => one.match.test(what))
    const [hold] = at < 0 ? [] : holds.splice(at, 1)
    try {
      const asked = await bodyOf(incoming)
      const told = sayOf(says, what, {
        key: String(incoming.headers['idempotency-key']),
        body: String(asked),
      })
      if (told) {
        response.writeHead(told.status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(told.body))
        return
      }
      const reply = await fetch(behind + incoming.url, {
        method: incoming.method ?? 'GET',
        headers: { ...passed(incoming), ...(fault && { 'x-sandbox-fault': fault.fault }) },
        ...(incoming.method !== 'GET' && { body: asked }),
      })
      const body = Buffer.from(await reply.arrayBuffer())
      await hold?.until()
      response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' }).end(body)
    } catch {
      incoming.socket.destroy() // as the sandbox did with ours
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    fault: (match, fault) => void faults.push({ match, fault }),
    calm: () => {
      faults = []
    },
    say: (match, given) => void says.push({ match, given }),
    hold: (match, until) => void holds.push({ match, until }),
    seen,
  }
}

const sayOf = (
  says: readonly { match: RegExp; given: Parameters<Front['say']>[1] }[],
  what: string,
  asked: Asked,
) =>
  says
    .filter(({ match }) => match.test(what))
    .map(({ given }) => given(asked))
    .find((told) => told !== null) ?? null

/** Of the connection itself, which is another one behind us. */
const OWN = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'keep-alive'])

const passed = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string' && !OWN.has(pair[0]),
    ),
  )

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
