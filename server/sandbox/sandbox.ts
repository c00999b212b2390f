import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '../platform/log.ts'
import { createAccess } from './access.ts'
import { createBancoDoBrasil } from './banco_do_brasil/banco_do_brasil.ts'
import { createBins } from './bin.ts'
import { createBradesco } from './bradesco/bradesco.ts'
import { createEcho } from './echo.ts'
import { createFaults, type Fault } from './faults.ts'
import { createHooks, HOOKED } from './hooks/hooks.ts'
import { createItau } from './itau/itau.ts'
import { createOAuth } from './oauth.ts'
import { createPinbank } from './pinbank/pinbank.ts'
import { createPix } from './pix/pix.ts'
import { createStripe } from './stripe/stripe.ts'
import { createTruth, type Truth } from './truth.ts'
import { json, numberIn, type SandboxReply, type SandboxRequest, sleep, type Vendor } from './wire.ts'

/**
 * Simulated vendors on real sockets, so that nobody needs an account to build against the product. Each speaks
 * its vendor's wire format, written from the vendor's documentation and from nothing of ours, and each request
 * may be told to meet a fault (`faults.ts`). `/stripe`, `/pix`, `/banco_do_brasil`, `/bradesco`, `/itau`, `/echo`, `/oauth`, `/access`, `/bin/{name}`, the vendors of `hooks/` with
 * their webhooks alone, and `GET /_truth`, which says what really crossed the socket.
 */
export type Sandbox = {
  url: string
  port: number
  stop(): Promise<void>
}

/** The vendors without a server of their own: `handle` answers a request whose path begins with the vendor. */
export type Vendors = {
  handle(incoming: IncomingMessage, response: ServerResponse): void
  close(): Promise<void>
}

const MOST_BODY_BYTES = 32 * 1024 * 1024

/** Everything is kept in memory and forgotten at the end. */
export function createVendors(log?: Log): Vendors {
  const truth = createTruth()
  const faults = createFaults()
  const stripe = createStripe()
  const pix = createPix()
  const oauth = createOAuth()
  const hooks = createHooks()
  const vendors = new Map<string, Vendor>([
    ['stripe', stripe.vendor],
    ['pix', pix.vendor],
    ['banco_do_brasil', createBancoDoBrasil()],
    ['bradesco', createBradesco()],
    ['itau', createItau()],
    ['echo', createEcho(oauth)],
    ['oauth', oauth.vendor],
    ['access', createAccess()],
    ['bin', createBins()],
    ['pinbank', createPinbank()],
    ['', (request) => (request.path === '/' ? index : notFound(request))],
    ...hooks.vendors,
    ['_truth', (request) => readTruth(truth, request)],
  ])

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = incoming.url ?? '/'
    const { mount, request } = toRequest(incoming, url, await readBody(incoming))
    const vendor = vendors.get(mount) ?? notFound
    const fault = faults.meet(request)
    const reply = fault ? await meet(fault, vendor, request) : await vendor(request)
    if (mount !== '_truth') {
      truth.note({ method: request.method, url, status: reply?.status ?? 0, fault: fault?.text ?? null })
    }
    if (reply === null) incoming.socket.destroy()
    else send(response, reply)
  }

  return {
    handle: (incoming, response) => {
      serve(incoming, response).catch((cause: unknown) => {
        log?.error({ err: cause, url: incoming.url }, 'the sandbox failed a request')
        if (!response.headersSent)
          send(response, json(500, { error: 'The sandbox failed; its log says why' }))
      })
    },
    close: async () => {
      await Promise.all([stripe.close(), pix.close(), hooks.close()])
    },
  }
}

/** The vendors on a port of their own, 0 for any free one. */
export async function startSandbox(options: { port: number; host?: string; log?: Log }): Promise<Sandbox> {
  const vendors = createVendors(options.log)
  const server = createServer(vendors.handle)
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host ?? '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `http://${options.host ?? '127.0.0.1'}:${port}`
  options.log?.info({ url }, 'sandbox is listening')
  return {
    url,
    port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await Promise.all([closed, vendors.close()])
    },
  }
}

/** Serves the vendors below `prefix` on a server that others listen on too: the rest goes on to them. */
export function mountVendors(server: Server, prefix: string, vendors: Vendors): void {
  const others = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (incoming, response) => {
    const url = incoming.url ?? ''
    const rest = url.slice(prefix.length)
    if (!url.startsWith(prefix) || !/^([/?]|$)/.test(rest)) {
      for (const other of others) other(incoming, response)
      return
    }
    incoming.url = rest.startsWith('/') ? rest : `/${rest}`
    vendors.handle(incoming, response)
  })
}

const MOUNTED = [
  '/stripe',
  '/pix',
  '/banco_do_brasil',
  '/bradesco',
  '/itau',
  '/echo',
  '/oauth',
  '/access',
  '/bin/{name}',
  ...HOOKED,
]

const index: SandboxReply = json(200, { vendors: MOUNTED })

const notFound: Vendor = (request) =>
  json(404, { error: `No vendor is mounted at ${request.path}`, vendors: MOUNTED })

function readTruth(truth: Truth, request: SandboxRequest): SandboxReply {
  if (request.method === 'DELETE') truth.clear()
  return json(
    200,
    truth.read(request.query.get('prefix') ?? '', numberIn(request.query, 'limit', 100, 20_000)),
  )
}

/** Null is a connection that is cut without an answer. */
async function meet(fault: Fault, vendor: Vendor, request: SandboxRequest): Promise<SandboxReply | null> {
  await sleep(fault.latency_ms)
  if (fault.act === 'drop') return null
  if (fault.status !== null) return refusal(fault.status, fault.retry_after)
  const reply = await vendor(request)
  if (fault.act === 'cut') return null
  if (fault.act !== 'garble') return reply
  return {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html>Service temporarily replaced</html>',
  }
}

const refusal = (status: number, retry_after: string | null): SandboxReply =>
  json(
    status,
    {
      error: {
        type: status === 429 ? 'rate_limit_error' : 'api_error',
        message: `The sandbox was told to answer ${status}.`,
      },
    },
    retry_after === null ? {} : { 'retry-after': retry_after },
  )

function toRequest(
  incoming: IncomingMessage,
  url: string,
  body: Buffer,
): { mount: string; request: SandboxRequest } {
  const mark = url.indexOf('?')
  const whole = mark < 0 ? url : url.slice(0, mark)
  const slash = whole.indexOf('/', 1)
  const mount = slash < 0 ? whole.slice(1) : whole.slice(1, slash)
  const path = slash < 0 ? '/' : whole.slice(slash)
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  return {
    mount,
    request: { method: incoming.method ?? 'GET', path, query, headers: incoming.headers, body },
  }
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const { 'content-length': declared, 'transfer-encoding': chunked } = incoming.headers
  if (declared === undefined && chunked === undefined) return Buffer.alloc(0)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MOST_BODY_BYTES) throw new Error('the body is larger than the sandbox takes')
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

function send(response: ServerResponse, reply: SandboxReply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) })
  response.end(reply.body)
}
