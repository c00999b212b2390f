import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createConnector, type ResolveAll } from './connector.ts'
import { createEgress, type EgressOptions, type EgressRequest, type EgressResult } from './egress.ts'

type Ask = Partial<EgressRequest> & { url: string }

function open(t: TestContext, options: Partial<EgressOptions> = {}) {
  const egress = createEgress({ allow: [], allow_loopback: true, ...options })
  t.after(() => egress.close())
  const send = (ask: Ask) =>
    egress.send({ method: 'GET', headers: {}, timeout_ms: 30_000, max_response_bytes: 65_536, ...ask })
  return { egress, send }
}

async function serve(t: TestContext, listener: RequestListener, host = '127.0.0.1') {
  const server = createServer(listener)
  const port = await listen(t, server, host)
  t.after(() => server.closeAllConnections())
  return { server, port, url: `http://127.0.0.1:${port}` }
}

/** A server that speaks bytes, for what a proper HTTP server would not do. */
async function serveBytes(t: TestContext, on: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    on(socket)
  })
  const port = await listen(t, server, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${port}`
}

async function listen(t: TestContext, server: Server | ReturnType<typeof createTcpServer>, host: string) {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const resolving =
  (...answers: string[][]): ResolveAll =>
  (_host, _options, callback) => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    callback(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }

function answered(result: EgressResult) {
  assert.equal(result.kind, 'response', JSON.stringify(result))
  assert(result.kind === 'response')
  return result
}

function refused(result: EgressResult, code: string, sent: boolean, message: RegExp) {
  assert(result.kind === 'error', JSON.stringify(result))
  assert.deepEqual({ code: result.code, sent: result.sent }, { code, sent }, result.message)
  assert.match(result.message, message)
}

test('method, headers and body arrive as given, and the answer comes back whole', async (t) => {
  const { url } = await serve(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      response.setHeader('X-Twice', ['a', 'b'])
      response.setHeader('Set-Cookie', ['one=1, 2', 'two=2'])
      response.statusCode = 201
      response.write(`${request.method} ${request.url} ${request.headers['x-mark']} `)
      setTimeout(() => response.end(Buffer.concat(chunks)), 5)
    })
  })
  const { send } = open(t)
  const sent = {
    url: `${url}/a b?c=é#gone`,
    method: 'PUT',
    headers: { 'X-Mark': 'm' },
    body: Buffer.from('ação'),
  }
  const { status, headers, body, truncated, timing } = answered(await send(sent))
  assert.equal(status, 201)
  assert.equal(body.toString(), 'PUT /a%20b?c=%C3%A9 m ação')
  assert.equal(truncated, false)
  assert.equal(headers['x-twice'], 'a, b')
  assert.equal(headers['set-cookie'], 'one=1, 2\ntwo=2')
  assert(timing.connect_ms !== undefined && timing.connect_ms <= timing.first_byte_ms)
  assert(timing.first_byte_ms <= timing.total_ms)
})

test('the next request to an origin goes over the same connection', async (t) => {
  const ports = new Set<number | undefined>()
  const { url } = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort)
    response.end('x')
  })
  const { send } = open(t)
  assert.notEqual(answered(await send({ url })).timing.connect_ms, undefined)
  await nextTurn() // undici frees a connection one turn after its answer
  assert.equal(answered(await send({ url })).timing.connect_ms, undefined)
  assert.equal(ports.size, 1)
})

test('a redirect is an answer, never followed', async (t) => {
  let elsewhere = 0
  const target = await serve(t, (_request, response) => {
    elsewhere += 1
    response.end()
  })
  const { url } = await serve(t, (_request, response) =>
    response.writeHead(302, { location: target.url }).end(),
  )
  const { status, headers } = answered(await open(t).send({ url }))
  assert.equal(status, 302)
  assert.equal(headers['location'], target.url)
  assert.equal(elsewhere, 0)
})

test('an answer that is too long is cut at the limit; a little too long keeps the connection', async (t) => {
  const ports: (number | undefined)[] = []
  const { url } = await serve(t, (request, response) => {
    ports.push(request.socket.remotePort)
    response.end(Buffer.alloc(Number(request.url?.slice(1)), 'x'))
  })
  const { send: sendNow } = open(t)
  const send = async (ask: Ask) => {
    await nextTurn() // undici frees a connection one turn after its answer
    return sendNow(ask)
  }
  const exact = answered(await send({ url: `${url}/1000`, max_response_bytes: 1000 }))
  assert.deepEqual([exact.body.length, exact.truncated], [1000, false])
  const little = answered(await send({ url: `${url}/1001`, max_response_bytes: 1000 }))
  assert.deepEqual([little.body.length, little.truncated], [1000, true])
  const much = answered(await send({ url: `${url}/5000000`, max_response_bytes: 1000 }))
  assert.deepEqual([much.body.length, much.truncated], [1000, true])
  assert.equal(answered(await send({ url: `${url}/1` })).truncated, false)
  const [first, second, third, fourth] = ports
  assert.deepEqual([second, third], [first, first])
  assert.notEqual(fourth, first)
})

test('an endless answer is cut and its connection dropped', { timeout: 60_000 }, async (t) => {
  const { promise: dropped, resolve: closed } = Promise.withResolvers<void>()
  const url = await serveBytes(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    const timer = setInterval(() => socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`), 1)
    socket.on('close', () => {
      clearInterval(timer)
      closed()
    })
  })
  const { body, truncated } = answered(
    await open(t).send({ url, max_response_bytes: 10, timeout_ms: 60_000 }),
  )
  assert.deepEqual([body.length, truncated], [10, true])
  await dropped
})

test('silence ends at the time given, in words, as sent, and the connection with it', {
  timeout: 60_000,
}, async (t) => {
  const { promise: dropped, resolve: closed } = Promise.withResolvers<void>()
  const url = await serveBytes(t, (socket) => socket.resume().on('close', () => closed()))
  const result = await open(t).send({ url, timeout_ms: 3000 })
  refused(result, 'timeout', true, /^no answer within 3000 ms$/)
  assert(
    result.kind === 'error' && result.total_ms >= 2998 && result.total_ms < 30_000,
    JSON.stringify(result),
  )
  await dropped
})

test('a trickled answer does not outlive the time given', async (t) => {
  const url = await serveBytes(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
    const timer = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => clearInterval(timer))
  })
  const result = await open(t).send({ url, timeout_ms: 3000 })
  refused(result, 'timeout', true, /^the answer was not complete within 3000 ms$/)
})

test('a name server that is silent costs no more than the time given, and nothing is sent', async (t) => {
  const { send } = open(t, { resolve: () => {} })
  const result = await send({ url: 'http://slow.acorn.example/', timeout_ms: 60 })
  refused(result, 'timeout', false, /^no connection to slow\.acorn\.example within 60 ms$/)
})

test('a request that timed out while its connection was made is never sent later', async (t) => {
  const seen: (string | undefined)[] = []
  const { port } = await serve(t, (request, response) => {
    seen.push(request.url)
    response.end()
  })
  const resolve: ResolveAll = (_host, _options, callback) =>
    void setTimeout(callback, 200, null, [{ address: '127.0.0.1', family: 4 }])
  const { send } = open(t, { resolve })
  const url = `http://slow.acorn.example:${port}`
  refused(await send({ url: `${url}/late`, timeout_ms: 50 }), 'timeout', false, /no connection/)
  answered(await send({ url: `${url}/after` }))
  assert.deepEqual(seen, ['/after'])
})

test('requests that hang at a server, however many, hold up no other to it', async (t) => {
  const hanging: ServerResponse[] = []
  const { url } = await serve(t, (request, response) => {
    if (request.url === '/hang') hanging.push(response)
    else response.end()
  })
  const { send } = open(t)
  const held = Array.from({ length: 300 }, () => send({ url: `${url}/hang` }))
  while (hanging.length < 300) await nextTurn()
  answered(await send({ url: `${url}/other` }))
  for (const response of hanging) response.end()
  for (const result of await Promise.all(held)) answered(result)
})

test('a refused connection names the address, and nothing was sent', async (t) => {
  const { server, port } = await serve(t, () => {})
  await new Promise((resolve) => server.close(resolve))
  const result = await open(t).send({ url: `http://127.0.0.1:${port}/`, method: 'POST', body: 'x' })
  refused(result, 'connect', false, new RegExp(`^connection refused by 127.0.0.1:${port}$`))
})

test('where a name has several addresses, each is tried, and the first one tells what was wrong', async (t) => {
  const { server, port } = await serve(t, (_request, response) => response.end('second'))
  const { send } = open(t, { resolve: resolving(['::1', '127.0.0.1']) })
  const url = `http://both.acorn.example:${port}/`
  assert.equal(answered(await send({ url, headers: { connection: 'close' } })).body.toString(), 'second')
  await new Promise((resolve) => server.close(resolve))
  refused(await send({ url }), 'connect', false, new RegExp(`\\[::1\\]:${port}`))
})

test('answers without a body are whole', async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.method === 'HEAD') response.setHeader('content-length', '10')
    response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    response.writeHead(request.method === 'HEAD' ? 200 : 204).end()
  })
  const { send } = open(t)
  for (const [method, status] of [
    ['HEAD', 200],
    ['POST', 204],
  ] as const) {
    const result = answered(await send({ url, method }))
    assert.deepEqual([result.status, result.body.length, result.headers['link']], [status, 0, undefined])
  }
})

test('a host header does not change where a request goes', async (t) => {
  const { port } = await serve(t, (request, response) => response.end(request.headers.host))
  const resolve: ResolveAll = () => assert.fail('nothing to resolve')
  const headers = { host: 'inner.acorn.example' }
  const { send } = open(t, { allow: ['127.0.0.1/32'], allow_loopback: false, resolve })
  const there = answered(await send({ url: `http://127.0.0.1:${port}/`, headers }))
  assert.equal(there.body.toString(), 'inner.acorn.example')
  refused(await send({ url: `http://127.0.0.2:${port}/`, headers }), 'refused_address', false, /127\.0\.0\.2/)
})

test('a name that does not resolve is told as that, and nothing was sent', async (t) => {
  const resolve: ResolveAll = (_host, _options, callback) =>
    callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), [])
  const result = await open(t, { resolve }).send({ url: 'https://api.acorn.example/' })
  refused(result, 'dns', false, /^api\.acorn\.example did not resolve \(NXDOMAIN\)$/)
})

test('a connection closed before, or in the middle of, the answer counts as sent', async (t) => {
  const before = await serveBytes(t, (socket) => socket.once('data', () => socket.end()))
  const { send } = open(t)
  const ask = { method: 'POST', body: 'pay' }
  refused(
    await send({ url: before, ...ask }),
    'reset',
    true,
    /^connection closed before any byte of an answer$/,
  )
  const hard = await serveBytes(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  refused(await send({ url: hard, ...ask }), 'reset', true, /before any byte/)
  const amid = await serveBytes(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')),
  )
  refused(await send({ url: amid, ...ask }), 'reset', true, /complete|shorter/)
})

test('a kept connection that dies under the next request is a reset, and is not tried again', async (t) => {
  let requests = 0
  const url = await serveBytes(t, (socket) =>
    socket.on('data', () => {
      requests += 1
      if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx')
      else socket.resetAndDestroy()
    }),
  )
  const { send } = open(t)
  answered(await send({ url }))
  refused(await send({ url, method: 'POST', body: 'pay' }), 'reset', true, /before any byte/)
  assert.equal(requests, 2)
})

test('an answer that is not HTTP is said to be that', async (t) => {
  const url = await serveBytes(t, (socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH\r\n')))
  refused(await open(t).send({ url }), 'reset', true, /^the answer is not HTTP\/1\.1/)
  const long = await serveBytes(t, (socket) =>
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`)),
  )
  refused(await open(t).send({ url: long }), 'reset', true, /headers of the answer are too long/)
})

test('loopback is refused in production, in every spelling, with the setting named', async (t) => {
  let requests = 0
  const { port } = await serve(t, (_request, response) => {
    requests += 1
    response.end()
  })
  const { send } = open(t, { allow_loopback: false })
  const spellings = [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ]
  spellings.push(
    'localhost',
    'LOCALHOST',
    'localhost.',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '0.0.0.0',
    '[::]',
  )
  for (const host of spellings) {
    const result = await send({ url: `http://${host}:${port}/` })
    assert(result.kind === 'error' && !result.sent, `${host}: ${JSON.stringify(result)}`)
    // A system without IPv6 or with its own idea of "localhost." may not resolve a name at all.
    if (result.code === 'dns' && host.endsWith('.')) continue
    refused(result, 'refused_address', false, /TRILHO_EGRESS_ALLOW/)
  }
  refused(
    await send({ url: `http://127.1:${port}/` }),
    'refused_address',
    false,
    /^127\.0\.0\.1 is a loopback address; list it in TRILHO_EGRESS_ALLOW to permit it$/,
  )
  refused(
    await send({ url: `http://localhost:${port}/` }),
    'refused_address',
    false,
    /^localhost is at .+, a loopback address; .*TRILHO_EGRESS_ALLOW/,
  )
  assert.equal(requests, 0)
})

test('a listed range may be reached', async (t) => {
  const { port } = await serve(t, (_request, response) => response.end('in'))
  const { send } = open(t, { allow: ['127.0.0.0/30'], allow_loopback: false })
  assert.equal(answered(await send({ url: `http://127.0.0.1:${port}/` })).body.toString(), 'in')
  refused(await send({ url: `http://127.0.0.9:${port}/` }), 'refused_address', false, /127\.0\.0\.9/)
})

test('the address that was judged is the one connected to, whatever the name resolves to next', async (t) => {
  const reached: (string | undefined)[] = []
  const { port } = await serve(
    t,
    (request, response) => {
      reached.push(request.socket.localAddress)
      response.setHeader('connection', 'close').end()
    },
    '0.0.0.0',
  )
  const url = `http://rebind.acorn.example:${port}/`
  const rules = { allow: ['127.0.0.1/32'], allow_loopback: false }
  const { send } = open(t, { ...rules, resolve: resolving(['127.0.0.1'], ['127.0.0.2']) })
  answered(await send({ url }))
  refused(
    await send({ url }),
    'refused_address',
    false,
    /^rebind\.acorn\.example is at 127\.0\.0\.2, a loopback address/,
  )
  const mixed = open(t, { ...rules, resolve: resolving(['127.0.0.2', '127.0.0.1', '::ffff:127.0.0.2']) })
  answered(await mixed.send({ url }))
  assert.deepEqual(reached, ['127.0.0.1', '127.0.0.1'])
})

test('a socket whose peer may not be reached is destroyed unused, however it came about', async (t) => {
  let bytes = 0
  const url = await serveBytes(t, (socket) => {
    socket.on('data', ({ length }) => {
      bytes += length
    })
  })
  const { hostname, port } = new URL(url)
  const answers = [null, 'a private address'] // allowed when it is looked up, refused once connected
  const connector = createConnector(() => answers.shift() ?? null)
  const { promise, resolve: opened } = Promise.withResolvers<unknown[]>()
  connector.open({ hostname, host: `${hostname}:${port}`, port, protocol: 'http:' }, (...args) =>
    opened(args),
  )
  const [error, socket] = await promise
  assert.match(String(error), /127\.0\.0\.1 is a private address/)
  assert.deepEqual([socket, bytes], [null, 0])
})

test('only plain http and https URLs are taken', async (t) => {
  const { send } = open(t)
  const wrong = [
    '',
    'acorn.example',
    '/path',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'javascript:1',
    'http://',
    'http://[::1',
  ]
  for (const url of wrong)
    refused(await send({ url }), 'invalid_url', false, /URL must begin with http|not a valid absolute/)
  for (const url of ['http://user@127.0.0.1/', 'https://:secret@127.0.0.1/']) {
    const result = await send({ url })
    refused(result, 'invalid_url', false, /user or password/)
    assert.doesNotMatch(JSON.stringify(result), /secret/)
  }
})

test('a request that cannot be written is refused unsent, in words', async (t) => {
  let connections = 0
  const url = await serveBytes(t, () => {
    connections += 1
  })
  const { send } = open(t)
  const wrong: Partial<EgressRequest>[] = [
    { headers: { 'x-a': 'a\r\nx-b: b' } },
    { headers: { 'x a': 'a' } },
    { method: 'GET / HTTP/1.1\r\n' },
    { headers: { 'transfer-encoding': 'chunked' } },
    { method: 'POST', headers: { 'content-length': '3' }, body: 'four' },
  ]
  for (const ask of wrong)
    refused(await send({ url, ...ask }), 'invalid_request', false, /request cannot be sent|content-length/)
  assert(connections <= 1)
})

test('a cancelled request ends at once, and says whether it was sent', async (t) => {
  const url = await serveBytes(t, (socket) => socket.once('data', () => controller.abort()))
  const { send } = open(t)
  const controller = new AbortController()
  refused(await send({ url, signal: controller.signal }), 'aborted', true, /cancelled/)
  refused(await send({ url, signal: controller.signal }), 'aborted', false, /cancelled/)
})

test('closing ends what is under way and refuses what comes after', async (t) => {
  const url = await serveBytes(t, (socket) => socket.once('data', () => egress.close()))
  const { egress, send } = open(t)
  const waiting = open(t, { resolve: () => {} })
  const unconnected = waiting.send({ url: 'http://slow.acorn.example/' })
  refused(await send({ url }), 'aborted', true, /shutting down/)
  refused(await send({ url }), 'aborted', false, /shutting down/)
  await waiting.egress.close()
  refused(await unconnected, 'aborted', false, /shutting down/)
})

test('past 512 origins the one unused for longest gives up its connections', {
  timeout: 120_000,
}, async (t) => {
  const { promise: dropped, resolve: closed } = Promise.withResolvers<void>()
  const { port, server } = await serve(t, (request, response) => {
    if (request.headers.host?.startsWith('first.')) request.socket.on('close', () => closed())
    else response.setHeader('connection', 'close')
    response.end()
  })
  server.keepAliveTimeout = 3_600_000 // so that nothing else closes an idle connection
  const { send } = open(t, { resolve: resolving(['127.0.0.1']) })
  answered(await send({ url: `http://first.acorn.example:${port}/` }))
  for (let batch = 0; batch < 8; batch++) {
    const others = Array.from({ length: 64 }, (_, n) =>
      send({ url: `http://o${batch * 64 + n}.acorn.example:${port}/` }),
    )
    for (const result of await Promise.all(others)) answered(result)
  }
  await dropped
  answered(await send({ url: `http://first.acorn.example:${port}/` }))
})
