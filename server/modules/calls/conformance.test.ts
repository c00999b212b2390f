import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { DATABASES } from '../../test/transports/databases.ts'
import { type Door, openDoor } from '../../test/transports/door.ts'
import { filesIn } from '../../test/transports/files.ts'
import { MAIL } from '../../test/transports/mail.ts'
import type { Started, Subject } from '../../test/transports/subject.ts'
import { WEB } from '../../test/transports/web.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/**
 * What every transport promises, since all pass the same pipeline: each with a real server behind a door that can be
 * closed, kept silent, or broken off. The local folder has no door, and what a network does cannot happen to it.
 */
let served: Served
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trilho-conformance-'))
  undoAfter(() => rm(folder, { recursive: true, force: true }))
  served = await serve({
    config: { file_roots: [folder] },
    mount: { rooms: [connectionRoutes, routes] },
    providers,
  })
})

type Report = {
  id: string
  state: string
  status: number | null
  attempts: number
  error: string | null
  body: unknown
  turned_away: { by: string; retry_after_ms: number | null } | null
}

type Connected = { key: string; path: string }

async function connect({ subject, door }: Ready, limits: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const place = subject.place(door?.port ?? 0)
  const body = { ...place, name: 'x', environment: 'development', limits: { backoff_ms: 100, ...limits } }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  return { key, path: `/v1/connections/${made.body['id']}` }
}

const ask = ({ key, path }: Connected, call: object): Promise<Reply> =>
  served.send('POST', `${path}/calls`, { key, body: call })

async function made(connected: Connected, call: object): Promise<Report> {
  const reply = await ask(connected, call)
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

const breakerOf = async ({ key, path }: Connected) =>
  (await served.send('GET', `${path}/breaker`, { key })).body

/** Numbers of what is done only once, for all subjects. */
let last = 0
const next = () => ++last

type Ready = { subject: Started; door: Door | null }

/** Whatever `work` did to the door, the next test finds it open. */
const withDoor = async ({ door }: Ready, work: (door: Door) => Promise<void>): Promise<void> => {
  assert(door)
  await work(door).finally(door.open)
}

function conforms({ name, skip, start }: Subject): void {
  let starting: Promise<Ready> | null = null
  const ready = () => {
    starting ??= start().then(async (subject) => ({
      subject,
      door: subject.port === null ? null : await openDoor(subject.port),
    }))
    return starting
  }
  const shows = (what: string, show: (ready: Ready) => Promise<void>) =>
    test(`${name}: ${what}`, { skip }, async () => show(await ready()))
  shows('a call is on record with its attempts', isRecorded)
  shows('a limit of one refuses the second call with 429 and when there is room', isLimited)
  shows('a breaker that is open refuses without touching the server', isBroken)
  shows('the faults of callers do not open the breaker', ofCallers)
  if (name === 'file: local') return
  shows('a server that is silent ends as the timeout it is, in its time', isTimely)
  shows('a network that fails opens the breaker', ofNetworks)
  shows('a call that changes nothing is tried again, whenever its connection breaks', isTriedAgain)
  shows('a call that does something is done once at most, whenever its connection breaks', isDoneOnce)
}

for (const subject of [...WEB, ...DATABASES, ...filesIn(() => folder), ...MAIL]) conforms(subject)

async function isRecorded(ready: Ready): Promise<void> {
  const connected = await connect(ready)
  const { id, state } = await made(connected, ready.subject.safe)
  const { body } = await served.send('GET', `/v1/calls/${id}`, { key: connected.key })
  assert.deepEqual(
    [state, body['state'], body['attempts']],
    ['succeeded', 'succeeded', 1],
    JSON.stringify(body),
  )
  const log = body['log'] as { number: number; outcome: string; status: number }[]
  assert.deepEqual(
    log.map(({ number, outcome, status }) => [number, outcome, status]),
    [[1, 'succeeded', 200]],
  )
}

/** Neither a connection came to the server nor was it done. */
async function untouched({ subject, door }: Ready, work: (call: object) => Promise<void>): Promise<void> {
  const n = next()
  const call = await subject.unsafe(n)
  const came = door?.came
  await work(call)
  assert.deepEqual([door?.came, await subject.done(n)], [came, 0])
}

async function isLimited(ready: Ready): Promise<void> {
  const connected = await connect(ready, { rates: [{ calls: 1, per_s: 3600 }] })
  assert.equal((await made(connected, ready.subject.safe)).state, 'succeeded')
  await untouched(ready, async (call) => {
    const { status, headers, body } = await ask(connected, call)
    assert.deepEqual([status, body['code']], [429, 'rate_limited'])
    assert(Number(headers.get('retry-after')) > 0)
    assert.match(String(headers.get('ratelimit')), /^"connection";r=0;t=[1-9]/)
  })
}

async function isBroken(ready: Ready): Promise<void> {
  const connected = await connect(ready)
  const { key, path } = connected
  await served.send('POST', `${path}/breaker/open`, { key })
  await untouched(ready, async (call) => {
    const { state, attempts, turned_away } = await made(connected, call)
    assert.deepEqual([state, attempts, turned_away?.by], ['failed', 0, 'breaker'])
  })
  await served.send('POST', `${path}/breaker/close`, { key })
  assert.equal((await made(connected, ready.subject.safe)).state, 'succeeded')
}

async function ofCallers(ready: Ready): Promise<void> {
  const connected = await connect(ready, { breaker: { failures: 2 } })
  for (let times = 0; times < 3; times++) {
    const report = await made(connected, ready.subject.wrong)
    assert.equal(report.state, 'refused', JSON.stringify(report))
  }
  const { state, failures } = await breakerOf(connected)
  assert.deepEqual([state, failures], ['closed', 0])
}

const TIME_MS = 400

async function isTimely(ready: Ready): Promise<void> {
  const connected = await connect(ready)
  assert.equal((await made(connected, ready.subject.safe)).state, 'succeeded')
  await withDoor(ready, async (door) => {
    door.mute()
    const began = performance.now()
    const report = await made(connected, { ...ready.subject.safe, timeout_ms: TIME_MS, retries: 0 })
    const took_ms = performance.now() - began
    assert.deepEqual([report.state, report.attempts], ['failed', 1], JSON.stringify(report))
    assert.match(String(report.error), /within \d+ ms/)
    assert(took_ms < 20 * TIME_MS, `it took ${took_ms} ms`)
  })
  assert.equal((await made(connected, ready.subject.safe)).state, 'succeeded')
}

async function ofNetworks(ready: Ready): Promise<void> {
  const connected = await connect(ready, { breaker: { failures: 2 } })
  await withDoor(ready, async (door) => {
    door.shut()
    for (let times = 0; times < 2; times++) {
      const report = await made(connected, { ...ready.subject.safe, retries: 0 })
      assert.deepEqual([report.state, report.status], ['failed', null], JSON.stringify(report))
    }
    const came = door.came
    assert.equal((await breakerOf(connected))['state'], 'open')
    assert.equal((await made(connected, ready.subject.safe)).turned_away?.by, 'breaker')
    assert.equal(door.came, came)
  })
}

const MOST_PIECES = 60
/** Pieces may come together, so that the moment that is looked for is passed over. */
const ROUNDS = 5

/** Breaks the connection off after each piece that the server says, until one call is through before that. */
async function brokenOff(ready: Ready, call: (what: string) => Promise<void>, isMet: () => boolean) {
  await withDoor(ready, async (door) => {
    for (let round = 0; round < ROUNDS && !isMet(); round++) {
      for (let pieces = 0; pieces < MOST_PIECES; pieces++) {
        door.cutAfter(pieces)
        await call(`after ${pieces} pieces`)
        const was_cut = door.wasCut()
        door.open()
        if (!was_cut) break
      }
    }
  })
}

/** With the same answer. */
async function isTriedAgain(ready: Ready): Promise<void> {
  const { safe } = ready.subject
  const connected = await connect(ready, { breaker: false, retry_budget: false })
  const { body } = await made(connected, safe)
  const attempts: number[] = []
  const call = async (what: string) => {
    const report = await made(connected, { ...safe, retries: 1 })
    assert.deepEqual([report.state, report.body], ['succeeded', body], `${what}: ${report.error}`)
    attempts.push(report.attempts)
  }
  await brokenOff(ready, call, () => attempts.includes(2))
  assert(attempts.includes(2), `nothing was tried again: ${attempts}`)
}

async function isDoneOnce(ready: Ready): Promise<void> {
  const { subject } = ready
  const connected = await connect(ready, { breaker: false, retry_budget: false })
  const states: string[] = []
  const call = async (what: string) => {
    const n = next()
    const report = await made(connected, { ...(await subject.unsafe(n)), retries: 2 })
    const times = await subject.done(n)
    const seen = `${what}: ${JSON.stringify(report)}, done ${times} times`
    assert.match(report.state, /^(succeeded|failed|unknown)$/, seen)
    if (report.state === 'unknown') assert(times <= 1, seen)
    else assert.equal(times, report.state === 'succeeded' ? 1 : 0, seen)
    states.push(report.state)
  }
  await brokenOff(ready, call, () => states.includes('unknown'))
  assert(states.includes('unknown'), `no moment was met at which nobody knows: ${states}`)
}
