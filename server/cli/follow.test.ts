import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openClient } from './client.ts'
import { follow, type Item } from './follow.ts'

/** A list as the API has it: newest first, `limit` rows to a page, `cursor` the last id of the page before. */
function listServer(rows: Item[]): { server: Server; answers: { status: number } } {
  const answers = { status: 200 }
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://list').searchParams
    const limit = Number(query.get('limit'))
    const cursor = query.get('cursor')
    const sorted = rows.toSorted((a, b) => (a.id < b.id ? 1 : -1))
    const below = sorted.filter(({ id }) => cursor === null || id < cursor)
    const data = below.slice(0, limit)
    const next_cursor = below.length > limit ? data.at(-1)?.id : null
    const body = answers.status === 200 ? { data, next_cursor } : { code: 'rate_limited', title: 'Too many' }
    response.writeHead(answers.status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  return { server, answers }
}

const id = (n: number) => `dlv_${String(n).padStart(26, '0')}`

test('a follower hands over every row once, in order, each change of it, and outlives the server', {
  timeout: 300_000,
}, async () => {
  const rows: Item[] = Array.from({ length: 250 }, (_, n) => ({ id: id(n * 10), state: 'pending' }))
  const { server, answers } = listServer(rows)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = openClient({ url: `http://127.0.0.1:${port}`, key: 'trl_test_0123456789' })
  const stop = new AbortController()
  const got: string[] = []
  const said: string[] = []
  let wake = () => {}
  const batch = () => new Promise<void>((resolve) => (wake = resolve))
  const on = (fresh: Item[]) => {
    got.push(...fresh.map((row) => `${row.id} ${row.state}`))
    wake()
  }
  const io = {
    err: (line: string) => {
      said.push(line)
      wake()
    },
  }
  const took = () => got.splice(0)

  let next = batch()
  const list = { path: '/v1/deliveries', query: {}, on, ready: () => {}, last: 2 }
  const following = follow(client, io, stop.signal, list)
  await next
  assert.deepEqual(
    took(),
    [`${id(2480)} pending`, `${id(2490)} pending`],
    'the newest of the past, oldest first',
  )

  next = batch()
  rows.push(
    { id: id(2485), state: 'pending' },
    ...Array.from({ length: 450 }, (_, n) => ({ id: id(3000 + n) })),
  )
  Object.assign(rows[249] as Item, { state: 'delivered' })
  await next
  const second = took()
  assert.deepEqual(
    second.slice(0, 2),
    [`${id(2485)} pending`, `${id(2490)} delivered`],
    'one that was committed late, one that changed',
  )
  assert.equal(new Set(second).size, 452, 'all of three pages')
  assert.deepEqual(second, second.toSorted())

  next = batch()
  answers.status = 429
  await next
  assert.match(said[0] ?? '', /rate_limited, 429\) Waiting for it\./)
  rows.push({ id: id(4000), state: 'failed' })
  next = batch()
  answers.status = 200
  await next
  assert.equal(said[1], 'The server answers again.')
  while (got.length === 0) await batch()
  assert.deepEqual(took(), [`${id(4000)} failed`])

  stop.abort()
  await following
  server.close()
  server.closeAllConnections()
})
