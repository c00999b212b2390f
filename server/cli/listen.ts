import type { RegisterCommand } from './cli.ts'
import { type Client, inPath, openClient, type Remote, remote } from './client.ts'
import { follow, type Item } from './follow.ts'
import { EXIT, examples, failure, type Io, wholeNumber } from './output.ts'

type Options = Remote & { last: number; timeout: number }
type Message = Item & { event_type: string | null; event_key: string; received_at: string }
type WithBytes = Message & { headers: Record<string, unknown>; body: string }
type Forwarded = {
  id: string
  event_type: string | null
  status: number | null
  error: string | null
  duration_ms: number
}

export const listen: RegisterCommand = (program, io) => {
  const command = remote(program.command('listen <source> <to>'))
    .summary('Forward what a source receives to a local port')
    .description(
      'Forward what a source receives to this machine: a port, or a URL. The bytes and headers are those of the provider, so its signature still verifies there; method, query and what it called behind the address of the source go along. One after another, oldest first; ends with Ctrl-C.',
    )
    .option('--last <n>', 'begin with so many of the past', wholeNumber, 0)
    .option('--timeout <ms>', 'how long the receiver may take, in milliseconds', wholeNumber, 30_000)
    .action(async (source: string, to: string, options: Options) => {
      const target = toTarget(to)
      const client = openClient(options)
      const stopped = io.stopped()
      await client.get(`/v1/sources/${inPath(source)}`) // an unknown one is refused before we wait for it
      const seen = new Set<string>()
      const on = async (rows: Message[]) => {
        for (const { id } of rows) {
          if (stopped.aborted) return
          if (seen.has(id)) continue // its state moved on; it has been forwarded
          const forwarded = await forward(client, id, target, options.timeout)
          seen.add(id)
          io.out(options.json ? JSON.stringify(forwarded) : toLine(io, forwarded))
        }
      }
      const ready = () => io.err(`Forwarding ${source} to ${target}. Ctrl-C ends it.`)
      const list = { path: '/v1/messages', query: { source_id: source }, on, ready, last: options.last }
      await follow<Message>(client, io, stopped, list)
    })
  examples(
    command,
    'listen src_01jz8k3v9mf2tb7xq4c5n6p8rs 4242',
    'listen src_01jz8k3v9mf2tb7xq4c5n6p8rs http://localhost:4242/webhooks/stripe',
    'listen src_01jz8k3v9mf2tb7xq4c5n6p8rs 4242/webhooks --last 5',
  )
}

/** `4242`, `4242/path`, `localhost:4242/path` or a whole URL. */
function toTarget(to: string): string {
  const whole = /^\d+(\/|$)/.test(to)
    ? `http://localhost:${to}`
    : /^https?:\/\//.test(to)
      ? to
      : `http://${to}`
  const url = URL.parse(whole)
  if (url === null)
    throw failure(EXIT.usage, `${to} is neither a port nor a URL, such as 4242 or http://localhost:4242/path`)
  return url.href
}

/** What belongs to the connection it came over, and not to the message. */
const LEFT_OUT =
  /^(:.*|host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i

type Kept = { ':path'?: string; ':method'?: string }

/**
 * Where it goes: what stood behind the address of the source, word and query, stands behind the target. What was told by
 * GET was read from its query, so that goes there as a query again.
 */
function addressFor(target: string, { ':path': called = '', ':method': method }: Kept, body: Buffer): string {
  const [, path = '', asked = ''] =
    /^\/webhooks\/[^/?]+(?:\/src_[^/?]+)?([^?]*)(?:\?(.*))?$/.exec(called) ?? []
  const url = new URL(target)
  if (path !== '') url.pathname = url.pathname.replace(/\/$/, '') + path
  const query = asked === '' && method === 'GET' ? body.toString() : asked
  if (query !== '') url.search = url.search === '' ? query : `${url.search}&${query}`
  return url.href
}

async function forward(client: Client, id: string, to: string, timeout_ms: number): Promise<Forwarded> {
  const message = await client.get<WithBytes>(`/v1/messages/${inPath(id)}`)
  const headers = Object.entries(message.headers).filter(([name]) => !LEFT_OUT.test(name)) as [
    string,
    string,
  ][]
  const began = performance.now()
  const ended = (status: number | null, error: string | null): Forwarded => {
    const duration_ms = Math.round(performance.now() - began)
    return { id, event_type: message.event_type, status, error, duration_ms }
  }
  try {
    const body = Buffer.from(message.body, 'base64')
    const kept = message.headers as Kept
    const url = addressFor(to, kept, body)
    const method = (kept[':method'] ?? 'POST') as 'GET' | 'POST'
    const signal = AbortSignal.timeout(timeout_ms)
    const options = {
      method,
      headers: Object.fromEntries(headers),
      ...(method !== 'GET' && { body }),
      signal,
    }
    const { request } = await import('undici') // fetch would leave out headers; other commands do without it
    const response = await request(url, options)
    await response.body.dump()
    return ended(response.statusCode, null)
  } catch (error) {
    const { code, message: words } = error as { code?: string; message: string }
    return ended(null, typeof code === 'string' ? code : words)
  }
}

function toLine(io: Io, { id, event_type, status, error, duration_ms }: Forwarded): string {
  const time = io.paint('gray', new Date().toISOString().slice(11, 23))
  const good = status !== null && status < 300
  const outcome = io.paint(
    good ? 'green' : 'red',
    status === null ? `not delivered: ${error}` : String(status),
  )
  return `${time} ${id} ${event_type ?? '-'} ${outcome} ${duration_ms} ms`
}
