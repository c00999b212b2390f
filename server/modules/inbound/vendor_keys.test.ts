import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Needed, Verified } from '../../kit/signatures.ts'
import { createEgress, type Egress } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import { quiet } from '../../test/harness.ts'
import type { App } from '../app.ts'
import type { ActiveSource } from './sources.ts'
import { judgeWithKeys } from './vendor_keys.ts'

/** Fetching and keeping alone: what verifies is said by the test, over real sockets and with a clock of its own. */
let base: string
let answer: { status: number; body: string }
let asked = 0
const server = createServer((_request, response) => {
  asked += 1
  setTimeout(() => response.writeHead(answer.status).end(answer.body), 5)
})
let egress: Egress

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  egress = createEgress({ allow: [], allow_loopback: true })
})
after(async () => {
  await egress.close()
  server.closeAllConnections()
  server.close()
})

function world() {
  asked = 0
  answer = { status: 200, body: 'old' }
  let now_ms = 1_000_000
  const clock = { now: () => new Date(now_ms), monotonic: () => now_ms }
  const app = { clock, egress, log: quiet, telemetry: { count: () => {} } } as unknown as App
  const source = { id: 's1', wire_id: 'src_1', provider: { id: 'any' } } as unknown as ActiveSource
  /** A message that only what holds `wanted` verifies. */
  const judge = async (wanted: string, path = '/keys') => {
    const url = base + path
    const first: Needed = {
      ok: false,
      reason: 'no_key',
      detail: '',
      need: { name: url, from: { kind: 'address', url } },
    }
    const again = (fetched: ReadonlyMap<string, string>): Verified =>
      fetched.get(url)?.includes(wanted) ? { ok: true } : first
    try {
      const verdict = await judgeWithKeys(app, source, first, again)
      return verdict.ok ? 'accepted' : verdict.reason
    } catch (error) {
      return error instanceof Problem ? error.status : String(error)
    }
  }
  const pass = (ms: number): void => {
    now_ms += ms
  }
  return { judge, pass }
}

test('what was fetched is kept for an hour, and many who need it at once ask once', async () => {
  const { judge, pass } = world()
  assert.deepEqual(
    await Promise.all(Array.from({ length: 20 }, () => judge('old'))),
    Array(20).fill('accepted'),
  )
  assert.equal(asked, 1)
  pass(3_599_000)
  assert.equal(await judge('old'), 'accepted')
  assert.equal(asked, 1)
  pass(2_000)
  assert.equal(await judge('old'), 'accepted')
  assert.equal(asked, 2)
})

test('a set that lacks the key is asked for again once, ten seconds old; then the message is refused', async () => {
  const { judge, pass } = world()
  assert.equal(await judge('old'), 'accepted')
  answer = { status: 200, body: 'old new' }
  assert.deepEqual([await judge('new'), asked], ['bad_signature', 1])
  pass(10_001)
  assert.deepEqual([await judge('new'), asked], ['accepted', 2])
  assert.deepEqual([await judge('never'), await judge('never'), asked], ['bad_signature', 'bad_signature', 2])
})

test('while it is not to be had there is no verdict, and nothing of the failure is kept', async () => {
  const { judge } = world()
  for (const status of [500, 503, 429, 403, 302]) {
    answer = { status, body: 'old' }
    assert.equal(await judge('old'), 503, String(status))
  }
  answer = { status: 200, body: `old${' '.repeat(300_000)}` }
  assert.equal(await judge('old'), 503)
  answer = { status: 200, body: 'old' }
  assert.equal(await judge('old'), 'accepted')
})

test('what the vendor does not have is refused, and asked for again after ten seconds', async () => {
  const { judge, pass } = world()
  answer = { status: 404, body: '' }
  assert.deepEqual([await judge('old'), await judge('old'), asked], ['bad_signature', 'bad_signature', 1])
  answer = { status: 200, body: 'old' }
  pass(10_001)
  assert.equal(await judge('old'), 'accepted')
})

test('forgeries that name ever new keys ask thirty times a minute, and hold up none whose key is known', async () => {
  const { judge, pass } = world()
  assert.equal(await judge('old'), 'accepted')
  answer = { status: 404, body: '' }
  const verdicts = []
  for (let n = 0; n < 40; n++) verdicts.push(await judge('x', `/keys/${n}`))
  assert.equal(asked, 30)
  assert.deepEqual(verdicts, [...Array(29).fill('bad_signature'), ...Array(11).fill(503)])
  assert.equal(await judge('old'), 'accepted')
  pass(60_000)
  assert.equal(await judge('x', '/keys/99'), 'bad_signature')
})

test('a key that the vendor has is asked for again in the midst of forgeries that name others', async () => {
  const { judge, pass } = world()
  assert.equal(await judge('old'), 'accepted')
  pass(3_601_000)
  answer = { status: 404, body: '' }
  for (let n = 0; n < 31; n++) await judge('old', `/forged/${n}`)
  assert.equal(await judge('old', '/forged/x'), 503)
  answer = { status: 200, body: 'old' }
  assert.equal(await judge('old'), 'accepted')
})
