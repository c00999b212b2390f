import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { undoAfter } from '../../test/harness.ts'
import { freePort } from '../../test/ports.ts'
import { createLog } from '../log.ts'
import { openRedis, script } from './redis.ts'

function open(port: number) {
  const lines: string[] = []
  const log = createLog({
    level: 'info',
    format: 'json',
    destination: { write: (line) => void lines.push(line) },
  })
  const redis = openRedis({ url: `redis://127.0.0.1:${port}`, log, monotonic: () => performance.now() })
  undoAfter(() => redis.close())
  return { redis, lines }
}

test('a Redis that is not there is told of once, and asked of nothing', async () => {
  const { redis, lines } = open(await freePort())
  const told = () => lines.filter((line) => line.includes('Redis is away')).length
  while (told() === 0) await sleep(20)
  await sleep(600) // it has tried again meanwhile
  assert.equal(told(), 1)
  assert.equal(redis.up_ms(), null)
  await assert.rejects(redis.run(script('return 1'), [], []), /Redis is away/)
})

test('what takes connections and answers nothing is no Redis, and costs whoever asks no time', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  undoAfter(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const { redis } = open((server.address() as { port: number }).port)
  await sleep(600)
  assert.equal(redis.up_ms(), null)
  const began = performance.now()
  await assert.rejects(redis.run(script('return 1'), [], []))
  assert.ok(performance.now() - began < 5_000)
})
