import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import type { Actor } from '../app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'
import { stream } from './stream.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})

const MB = 1_000_000

type Connected = { key: string; id: string; tenant_id: string }

const actorOf = ({ tenant_id }: Connected): Actor => ({
  kind: 'system',
  id: 'test',
  tenant_id,
  environment: 'test',
  scopes: ['*'],
  ip: null,
  request_id: null,
})

type Options = { settings?: object; credentials?: object; limits?: object }

async function connect(
  vendor: RequestListener,
  { settings, credentials = {}, limits = {} }: Options = {},
): Promise<Connected> {
  const server = http.createServer(vendor)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url, ...settings },
    credentials,
    limits,
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, tenant_id, id: String(reply.body['id']) }
}

/** A request whose body the test sends as it likes. */
function open({ key, id }: Connected, method: string, path: string, headers: object = {}): ClientRequest {
  const request = http.request(`${served.url}/v1/stream/${id}${path}`, {
    method,
    agent: false,
    headers: { authorization: `Bearer ${key}`, ...headers },
  })
  request.on('error', () => {})
  return request
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function textOf(response: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString()
}

type Recorded = {
  state: string
  error: string | null
  attempts: number
  log: Record<string, string | null>[]
}

async function closed({ key }: Connected, id: unknown): Promise<Recorded> {
  for (;;) {
    const { body } = await served.send('GET', `/v1/calls/${id}`, { key })
    if (body['state'] !== 'started') return body as Recorded
    await sleep(20)
  }
}

/** The newest call of the tenant, once it has ended: for a caller who never heard its id. */
async function lastCall(to: Connected): Promise<Recorded> {
  for (;;) {
    const { body } = await served.send('GET', '/v1/calls', { key: to.key })
    const [call] = body['data'] as { id: string }[]
    if (call) return closed(to, call.id)
    await sleep(20)
  }
}

const isFull = (request: ClientRequest, piece: Buffer) => !request.write(piece)

/** What is held, once what is not held has been thrown away. */
function heldBytes(): number {
  collect()
  collect() // what the first one found is swept by now
  const { external, heapUsed } = process.memoryUsage()
  return external + heapUsed
}
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('60 MB pass through to the byte without being held', async () => {
  const arrived = createHash('sha256')
  const to = await connect(async (request, response) => {
    for await (const piece of request) arrived.update(piece as Buffer)
    response.end(arrived.digest('hex'))
  })
  const sent = createHash('sha256')
  const request = open(to, 'PUT', '/file', { 'content-type': 'video/mp4', 'content-length': 60 * MB })
  const answer = answerTo(request)
  const before = heldBytes()
  let most = 0
  for (let at = 0; at < 60; at++) {
    const piece = randomBytes(MB)
    sent.update(piece)
    if (isFull(request, piece)) await once(request, 'drain')
    if (at % 10 === 9) most = Math.max(most, heldBytes() - before)
  }
  request.end()
  const response = await answer
  assert.equal(response.statusCode, 200)
  assert.equal(await textOf(response), sent.digest('hex'))
  assert.ok(most < 16 * MB, `${most} bytes were held`)
  const { state, attempts, log } = await closed(to, response.headers['trilho-call-id'])
  assert.deepEqual([state, attempts], ['succeeded', 1])
  assert.ok(String(log[0]?.['request_body']).length <= 64 * 1024, 'only the head is on record')
})

test('a vendor that takes nothing stops the caller, and both go on when it does', async () => {
  const paused = Promise.withResolvers<IncomingMessage>()
  let took = 0
  const to = await connect((request, response) => {
    paused.resolve(request)
    request.on('end', () => response.end('done'))
  })
  const request = open(to, 'POST', '/slow')
  const answer = answerTo(request)
  request.write(Buffer.alloc(MB))
  const arriving = await paused.promise
  let sent = 1
  while (sent < 60) {
    sent += 1
    if (
      isFull(request, Buffer.alloc(MB)) &&
      (await Promise.race([once(request, 'drain'), sleep(300)])) === undefined
    )
      break
  }
  assert.ok(sent < 50, `${sent} MB were taken while the vendor took none`)
  arriving.on('data', (piece: Buffer) => {
    took += piece.length
  })
  request.end()
  assert.equal(await textOf(await answer), 'done')
  assert.equal(took, sent * MB)
})

test('an answer streams back while the vendor still writes it, and a slow reader stops the vendor', async () => {
  let written = 0
  const to = await connect((_request, response) => {
    response.writeHead(200, { 'content-length': 60 * MB, 'content-type': 'application/zip' })
    const write = () => {
      while (written < 60) {
        written += 1
        if (!response.write(Buffer.alloc(MB, written))) break
      }
      if (written === 60) response.end()
      else response.once('drain', write)
    }
    write()
  })
  const request = open(to, 'GET', '/export?all=1')
  request.end()
  const response = await answerTo(request)
  assert.equal(response.headers['content-type'], 'application/zip')
  assert.equal(response.headers['content-length'], String(60 * MB))
  await sleep(300)
  assert.ok(written < 50, `${written} MB were written while nobody read`)
  let size = 0
  for await (const piece of response) size += (piece as Buffer).length
  assert.equal(size, 60 * MB)
  const { state, log } = await closed(to, response.headers['trilho-call-id'])
  assert.equal(state, 'succeeded')
  assert.ok(String(log[0]?.['response_body']).length <= 64 * 1024)
})

test('more than 100 MB is refused at once where the length says so, and where it flows when it is passed', async () => {
  let asked = 0
  const cut = Promise.withResolvers<void>()
  const to = await connect((request) => {
    asked += 1
    request.on('error', () => {})
    request.on('close', cut.resolve)
    request.resume()
  })
  const announced = open(to, 'PUT', '/big', { 'content-length': 100 * MB + 1 })
  announced.flushHeaders()
  const refused = await answerTo(announced)
  assert.equal(refused.statusCode, 413)
  announced.destroy()
  assert.equal(asked, 0)

  const flowing = open(to, 'PUT', '/big')
  const answer = answerTo(flowing)
  let answered = false
  void answer.then(() => {
    answered = true
  })
  for (let at = 0; at < 130 && !answered; at++)
    if (isFull(flowing, Buffer.alloc(MB))) await Promise.race([once(flowing, 'drain'), answer])
  const response = await answer
  assert.equal(response.statusCode, 413)
  assert.match(await textOf(response), /body_too_large/)
  flowing.destroy()
  await cut.promise
  const { state, error, attempts } = await closed(to, response.headers['trilho-call-id'])
  assert.deepEqual([state, attempts], ['unknown', 1])
  assert.match(String(error), /at most 100000000 bytes/)
})

test('a caller who hangs up ends the request at the vendor and the record', async () => {
  const began = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const to = await connect((request) => {
    request.on('error', () => {})
    request.on('close', cut.resolve)
    request.once('data', () => began.resolve())
  })
  const request = open(to, 'POST', '/half', { 'content-length': 2 * MB })
  request.write(Buffer.alloc(MB))
  await began.promise
  request.destroy()
  await cut.promise
  const { state, error } = await lastCall(to)
  assert.equal(state, 'unknown')
  assert.match(String(error), /the caller hung up/)
  const breaker = await served.send('GET', `/v1/connections/${to.id}/breaker`, { key: to.key })
  assert.equal(breaker.body['failures'], 0, 'no fault of the vendor')
})

test('a vendor that hangs up ends the request of the caller, who hears what is known', async () => {
  const to = await connect((request) => {
    request.once('data', () => request.socket.destroy())
  })
  const request = open(to, 'POST', '/half')
  const answer = answerTo(request)
  request.write(Buffer.alloc(MB))
  const response = await answer
  assert.equal(response.statusCode, 504)
  assert.match(await textOf(response), /vendor_outcome_unknown/)
  request.destroy()
  const { state, attempts } = await closed(to, response.headers['trilho-call-id'])
  assert.deepEqual([state, attempts], ['unknown', 1])
})

test('an answer that breaks off breaks off at the caller too', async () => {
  const to = await connect((_request, response) => {
    response.writeHead(200, { 'content-length': 3 * MB })
    response.write(Buffer.alloc(MB), () => response.destroy())
  })
  const request = open(to, 'GET', '/half')
  request.end()
  const response = await answerTo(request)
  assert.equal(response.statusCode, 200)
  await assert.rejects(textOf(response))
  const { state, error } = await closed(to, response.headers['trilho-call-id'])
  assert.equal(state, 'failed')
  assert.match(String(error), /before the answer was complete/)
})

test('an answer that comes before the upload has ended is passed on, and the rest is thrown away', async () => {
  const to = await connect((_request, response) => {
    response.writeHead(422, { 'content-type': 'text/plain' }).end('not a video')
  })
  const request = open(to, 'POST', '/video')
  const answer = answerTo(request)
  request.write(Buffer.alloc(MB))
  const response = await answer
  assert.equal(response.statusCode, 422)
  assert.equal(await textOf(response), 'not a video')
  request.destroy()
  assert.equal((await closed(to, response.headers['trilho-call-id'])).state, 'refused')
})

test('a stream is sent once: a 503 that asks to come back is the answer', async () => {
  let asked = 0
  const to = await connect((request, response) => {
    asked += 1
    request.resume().on('end', () => response.writeHead(503, { 'retry-after': '0' }).end())
  })
  const request = open(to, 'PUT', '/file')
  request.end('some bytes')
  const response = await answerTo(request)
  assert.equal(response.statusCode, 503)
  const { error } = await closed(to, response.headers['trilho-call-id'])
  assert.equal(asked, 1)
  assert.match(String(error), /what was streamed is gone; send it again/)
})

test('the credentials are added, and no secret of the head stands on record', async () => {
  const seen: string[] = []
  const to = await connect(
    (request, response) => {
      seen.push(String(request.headers.authorization), String(request.headers['idempotency-key']))
      request.resume().on('end', () => response.end(`{"access_token":"abcdef-123"}`))
    },
    {
      settings: { auth: 'bearer', idempotency_header: 'Idempotency-Key' },
      credentials: { token: 'token-of-the-vendor' },
    },
  )
  const request = open(to, 'POST', '/note', { 'idempotency-key': 'once-1' })
  request.end(`{"password":"hunter-22","to":"token-of-the-vendor"}`)
  const response = await answerTo(request)
  assert.match(await textOf(response), /abcdef-123/)
  assert.deepEqual(seen, ['Bearer token-of-the-vendor', 'once-1'])
  const record = JSON.stringify(await closed(to, response.headers['trilho-call-id']))
  assert.match(record, /masked/)
  assert.doesNotMatch(record, /hunter-22|token-of-the-vendor|abcdef-123/)
})

test('where a signature needs the whole body, a stream is refused with the reason and what to do', async () => {
  let asked = 0
  const vendor: RequestListener = (_request, response) => {
    asked += 1
    response.end('ok')
  }
  const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG' }
  const sigv4 = { auth: 'aws_sigv4', region: 'us-east-1', service: 's3' }
  const by_body = { auth: 'hmac', hmac_signs: '{method}{body}', hmac_header: 'x-signature' }
  const signing = await connect(vendor, {
    settings: by_body,
    credentials: { hmac_secret: 'hmac-secret-1' },
  })
  const signed = open(signing, 'POST', '/file')
  signed.end('bytes')
  assert.match(await textOf(await answerTo(signed)), /signs the body of each request.*\/v1\/proxy/)
  const to = await connect(vendor, { settings: sigv4, credentials: keys })
  const upload = open(to, 'PUT', '/bucket/file')
  upload.end('bytes')
  const refused = await answerTo(upload)
  assert.equal(refused.statusCode, 400)
  assert.match(await textOf(refused), /https:.*\/v1\/proxy.*"field":"connection"/)
  assert.equal(asked, 0)
  const download = open(to, 'GET', '/bucket/file')
  download.end()
  assert.equal(await textOf(await answerTo(download)), 'ok')
})

test('an idempotency key that no vendor hears is refused, since no answer is kept', async () => {
  const to = await connect((_request, response) => response.end('ok'))
  const request = open(to, 'POST', '/file', { 'idempotency-key': 'once-1' })
  request.end('bytes')
  const response = await answerTo(request)
  assert.equal(response.statusCode, 400)
  assert.match(await textOf(response), /leave it out.*idempotency-key/)
})

test('a token that is refused is renewed for the stream that comes next', async () => {
  let tokens = 0
  const to = await connect(
    (request, response) => {
      request.resume().on('end', () => {
        if (request.url === '/token') {
          tokens += 1
          response.setHeader('content-type', 'application/json')
          return response.end(`{"access_token":"token-${tokens}","token_type":"bearer","expires_in":3600}`)
        }
        response.writeHead(request.headers.authorization === 'Bearer token-2' ? 201 : 401).end()
      })
    },
    {
      settings: { auth: 'oauth2_client_credentials', token_url: '/token' },
      credentials: { client_id: 'us', client_secret: 'secret-of-ours' },
    },
  )
  const statuses: unknown[] = []
  for (let at = 0; at < 2; at++) {
    const request = open(to, 'POST', '/file')
    request.end('bytes')
    const response = await answerTo(request)
    statuses.push(response.statusCode)
    const { error } = await closed(to, response.headers['trilho-call-id'])
    if (at === 0) assert.match(String(error), /the access token is renewed, so send it again/)
  }
  assert.deepEqual(statuses, [401, 201])
  assert.equal(tokens, 2)
})

test('a caller who stands still, or takes too long in all, is told so; the vendor is let go', async () => {
  const to = await connect((request) => void request.resume().on('error', () => {}))
  const actor = actorOf(to)
  const pausing = async function* () {
    yield Buffer.from('a')
    await sleep(5000, null, { ref: false })
  }
  const input = (body: Readable) => ({
    method: 'POST' as const,
    url: `/v1/stream/${to.id}/file`,
    headers: { 'transfer-encoding': 'chunked' },
    body,
    signal: new AbortController().signal,
  })
  const bounds = { bytes: MB, patience_ms: 200, all_ms: 60_000 }
  const still = stream(served.app, actor, to.id, input(Readable.from(pausing())), bounds)
  await assert.rejects(still, /stood still/)
  const dripping = async function* () {
    for (;;) {
      yield Buffer.from('a')
      await sleep(10)
    }
  }
  const endless = stream(served.app, actor, to.id, input(Readable.from(dripping())), {
    ...bounds,
    patience_ms: 30_000,
    all_ms: 400,
  })
  await assert.rejects(endless, /took over 0.4 s/)
})

test('HEAD asks for the head alone', async () => {
  const to = await connect((request, response) => {
    response.writeHead(200, { 'content-length': 400 * MB, 'x-asked': request.method })
    response.end()
  })
  const request = open(to, 'HEAD', '/file')
  request.end()
  const response = await answerTo(request)
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['x-asked'], 'HEAD')
  assert.equal(response.headers['content-length'], String(400 * MB))
})

test('a caller who hangs up on an answer ends it at the vendor, and gives the place back', async () => {
  const cut = Promise.withResolvers<void>()
  const to = await connect((_request, response) => {
    response.on('close', cut.resolve)
    response.write(Buffer.alloc(MB))
  })
  const request = open(to, 'GET', '/export')
  request.end()
  const response = await answerTo(request)
  response.on('error', () => {})
  response.destroy()
  await cut.promise
  const { state, error } = await closed(to, response.headers['trilho-call-id'])
  assert.equal(state, 'failed')
  assert.match(String(error), /the caller hung up/)
  const limits = await served.send('GET', `/v1/connections/${to.id}/limits`, { key: to.key })
  assert.equal(limits.body['under_way'], 0)
})

test('the bytes of a stream count against a limit in bytes', async () => {
  const limits = { rates: [{ bytes: 3 * MB, per_s: 3600 }] }
  const to = await connect((request, response) => void request.resume().on('end', () => response.end('ok')), {
    limits,
  })
  const statuses: unknown[] = []
  for (let at = 0; at < 3; at++) {
    const request = open(to, 'POST', '/file')
    request.end(Buffer.alloc(2 * MB))
    const response = await answerTo(request)
    statuses.push(response.statusCode)
    response.resume()
    await closed(to, response.headers['trilho-call-id'])
  }
  assert.deepEqual(statuses, [200, 200, 429])
})
