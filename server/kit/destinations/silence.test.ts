import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { createEgress } from '../../platform/egress/egress.ts'
import { undoAfter } from '../../test/harness.ts'
import { publish, readDestination } from './destinations.ts'

const egress = createEgress({ allow: [], allow_loopback: true })
undoAfter(() => egress.close())

async function send(url: string, timeout_ms: number) {
  const destination = readDestination(url)
  assert(destination && typeof destination !== 'string', String(destination))
  const about = { id: 'evt_1', copy_id: 'evt_1.sub_1', type: 'a', timestamp: new Date(), key: null }
  const message = { ...about, headers: {}, body: '{}' }
  return publish(egress, { destination, auth: null, message, timeout_ms })
}

const PRODUCE = 0
const METADATA = 3
const API_VERSIONS = 18

const int16 = (value: number) => [(value >> 8) & 255, value & 255]
const int32 = (value: number) => [...int16(value >>> 16), ...int16(value)]
const text = (value: string) => [...int16(value.length), ...Buffer.from(value)]

/** What a Kafka of one broker and one topic of one partition answers, in the oldest words of each. */
const answers = (port: number): Record<number, number[]> => ({
  [API_VERSIONS]: [
    ...int16(0),
    ...int32(3),
    ...[PRODUCE, METADATA, API_VERSIONS].flatMap((key) => [...int16(key), ...int16(0), ...int16(0)]),
    ...int32(0),
  ],
  [METADATA]: [
    ...[int32(1), int32(1), text('127.0.0.1'), int32(port)].flat(),
    ...[int32(1), int16(0), text('a'), int32(1), int16(0), int32(0), int32(1)].flat(),
    ...[int32(1), int32(1), int32(1), int32(1)].flat(),
  ],
  [PRODUCE]: [int32(1), text('a'), int32(1), int32(0), int16(0), int32(0), int32(7)].flat(),
})

/** A Kafka that says nothing to what it `ignores`. */
async function startBroker(ignores: Set<number>): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    socket.on('data', (asked) => {
      const key = asked.readInt16BE(4)
      const said = answers(port)[key] ?? []
      if (!ignores.has(key))
        socket.write(Buffer.from([...int32(4 + said.length), ...asked.subarray(8, 12), ...said]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  undoAfter(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port, sockets }
}

async function none(sockets: Set<Socket>): Promise<void> {
  const [first] = sockets
  if (!first) return
  await once(first, 'close', { signal: AbortSignal.timeout(30_000) })
  await none(sockets)
}

test('a Kafka that says nothing when a session begins is left, and asked anew', async () => {
  const ignores = new Set([API_VERSIONS])
  const { port, sockets } = await startBroker(ignores)
  const url = `kafka://127.0.0.1:${port}/a`
  const landing = await send(url, 1_000)
  assert(landing.kind === 'error', JSON.stringify(landing))
  assert.equal(landing.sent, false)
  await none(sockets)

  ignores.clear()
  assert.equal((await send(url, 30_000)).kind, 'accepted')
})

test('a Kafka that takes a message and says nothing leaves it unknown, and nothing of it stays open', async () => {
  const { port, sockets } = await startBroker(new Set([PRODUCE]))
  assert.deepEqual(await send(`kafka://127.0.0.1:${port}/a`, 2_000), {
    kind: 'error',
    sent: true,
    message: 'no confirmation within 2000 ms',
  })
  await none(sockets)
})
