import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEgress, type EgressResult } from './egress.ts'

type Streamed = { result: Promise<EgressResult>; sink: PassThrough }

async function open(t: TestContext, listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const egress = createEgress({ allow: [], allow_loopback: true })
  t.after(async () => {
    await egress.close()
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return (
    source: AsyncIterable<Buffer> | null,
    asked: { timeout_ms?: number; most?: number } = {},
  ): Streamed => {
    const sink = new PassThrough()
    sink.on('error', () => {})
    const stream = { source, length: null, keep_bytes: 4, open: () => sink }
    const { timeout_ms = 30_000, most = 1000 } = asked
    const method = source ? 'POST' : 'GET'
    const result = egress.send({ url, method, headers: {}, timeout_ms, max_response_bytes: most, stream })
    return { result, sink }
  }
}

async function* pieces(...all: (string | number)[]): AsyncGenerator<Buffer> {
  for (const piece of all) {
    if (typeof piece === 'number') await sleep(piece)
    else yield Buffer.from(piece)
  }
}

test('what passes is counted, and only its head is kept', async (t) => {
  const send = await open(t, async (request, response) => {
    response.end(`got ${await text(request)}`)
  })
  const { result, sink } = send(pieces('abc', 'def'))
  assert.equal(await text(sink), 'got abcdef')
  const came = await result
  assert.ok(came.kind === 'response')
  assert.equal(came.body.toString(), 'got ')
  const { sent_head, ...flowed } = came.flowed ?? { sent_head: [] }
  assert.equal(Buffer.concat(sent_head).toString(), 'abcd')
  assert.deepEqual(flowed, { begun: true, sent_bytes: 6, received_bytes: 10 })
})

test('the time runs only while the other side is waited for', async (t) => {
  const send = await open(t, async (request, response) => {
    response.end(await text(request))
  })
  const { result, sink } = send(pieces('a', 4100, 'b', 4100, 'c'), { timeout_ms: 4000 })
  assert.equal(await text(sink), 'abc')
  assert.equal((await result).kind, 'response')
})

test('another side that stands still is given up, each byte giving it its time anew', async (t) => {
  const send = await open(t, async (_request, response) => {
    for (let at = 0; at < 4; at++) {
      response.write('x')
      await sleep(1000)
    }
  })
  const { result, sink } = send(null, { timeout_ms: 3500 })
  await assert.rejects(text(sink), /stood still for 3500 ms/)
  const came = await result
  assert.ok(came.kind === 'error' && came.code === 'timeout')
  assert.equal(came.flowed?.received_bytes, 4)
})

test('an answer longer than its bound is refused where it says so, and cut off where it does not', async (t) => {
  let says = true
  const send = await open(t, (_request, response) => {
    if (says) response.setHeader('content-length', 1001)
    response.write(Buffer.alloc(600))
    response.end(Buffer.alloc(401))
  })
  const announced = await send(null).result
  assert.ok(announced.kind === 'error' && announced.flowed?.begun === false)
  assert.match(announced.message, /longer than 1000 bytes/)
  says = false
  const { result, sink } = send(null)
  await assert.rejects(text(sink), /longer than 1000 bytes/)
  assert.equal((await result).kind, 'error')
})

test('a source that is never asked for is told of as not begun', async () => {
  const egress = createEgress({ allow: [], allow_loopback: false })
  const stream = { source: pieces('a'), length: null, keep_bytes: 4, open: () => new PassThrough() }
  const url = 'http://127.0.0.1:9/'
  const came = await egress.send({
    url,
    method: 'POST',
    headers: {},
    timeout_ms: 1000,
    max_response_bytes: 9,
    stream,
  })
  await egress.close()
  assert.ok(came.kind === 'error' && !came.sent)
  assert.equal(came.flowed?.begun, false)
})
