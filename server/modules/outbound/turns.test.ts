import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claimed } from '../../platform/queue.ts'
import type { Turn, Waiting } from '../../platform/queue_statements.ts'
import { quiet, undoAfter } from '../../test/harness.ts'
import { createPermits } from './permits.ts'
import { createTurns, type Owned } from './turns.ts'

/** A worker and its queue without a database: time goes by in ticks, and every receiver takes its own number of them. */
type Receiver = {
  tenant: string
  subscription: string
  weight?: number
  most?: number | null
  /** Until it has answered; 0: before the worker takes more. */
  ticks: number
  firsts?: number
  retries?: number
  /** Its subscription cannot be read. */
  unread?: boolean
}
type Item = Owned & { ends: number; retry: boolean }

/** How many of each were sent after so many ticks. */
async function work(receivers: Receiver[], { capacity, ticks }: { capacity: number; ticks: number }) {
  const world = createWorld(receivers, capacity)
  for (let tick = 0; tick < ticks; tick++) await world.tick(tick)
  return world.sent
}

/** `giveBacks` fail so many times, a look at everybody takes `slow_ms`, and `since` are those that turns were asked with. */
type Trouble = { giveBacks?: number; slow_ms?: number; since?: number[] }

function createWorld(receivers: Receiver[], capacity: number, trouble: Trouble = {}) {
  let give_backs_lost = trouble.giveBacks ?? 0
  const of = new Map(receivers.map((one) => [one.subscription, one]))
  const left = (id: string, retry: boolean) => of.get(id)?.[retry ? 'retries' : 'firsts'] ?? (retry ? 0 : 1e9)
  const sent: Record<string, number> = Object.fromEntries(receivers.map((one) => [one.subscription, 0]))
  const retried: Record<string, number> = {}
  const held = new Set<Item>()
  let now = 0

  function pick(id: string, retry: boolean): Item | null {
    const receiver = of.get(id)
    if (!receiver || left(id, retry) <= 0) return null
    receiver[retry ? 'retries' : 'firsts'] = left(id, retry) - 1
    const ends = now + receiver.ticks
    const claim = { id: crypto.randomUUID(), claim: '', attempts: retry ? 2 : 1 }
    return { ...claim, tenant_id: receiver.tenant, subscription_id: id, ends, retry }
  }
  const waiting = (): Waiting[] =>
    receivers
      .map(({ tenant: tenant_id, subscription: subscription_id }) => ({
        ...{ tenant_id, subscription_id },
        first_ms: left(subscription_id, false) > 0 ? -1 : null,
        again_ms: left(subscription_id, true) > 0 ? -1 : null,
        at_ms: now,
      }))
      .filter((one) => one.first_ms !== null || one.again_ms !== null)
  const clock = { now: () => new Date(now), monotonic: () => now }
  const permits = createPermits({
    hold: async (wanted) => wanted.map(({ count, most }) => Math.min(count, most)),
    clock,
    log: quiet,
  })
  undoAfter(() => permits.stop())
  const turns = createTurns<Item>({
    name: 'here',
    permits,
    capacity,
    clock,
    // The oldest first: all of the first subscription's.
    take: async ({ limit }) => {
      const [first] = receivers
      const items = Array.from({ length: limit }, () => pick(first?.subscription ?? '', false))
      return { items: items.flatMap((item) => item ?? []), wait_ms: null, reached: null }
    },
    takeTurns: async ({ limit }, wanted: Turn[]) => {
      trouble.since?.push(...wanted.map(({ since_ms }) => since_ms))
      const items: Item[] = []
      for (const { subscription_id, again, room } of wanted) {
        for (let n = 0; n < room && items.length < limit; n++) {
          const item = pick(subscription_id, again)
          if (item) items.push(item)
        }
      }
      return items
    },
    waiting: async (after, limit) => {
      const list = waiting()
      now += trouble.slow_ms ?? 0
      return list.filter(({ subscription_id }) => subscription_id > after).slice(0, limit)
    },
    waitingAgain: async (known) => {
      const ids = new Set(known.map(({ subscription_id }) => subscription_id))
      const list = waiting()
      return { list, strangers: list.some(({ subscription_id }) => !ids.has(subscription_id)) }
    },
    giveBack: async (items) => {
      if (give_backs_lost-- > 0) throw new Error('the database is away')
      for (const { subscription_id, retry } of items) {
        const receiver = of.get(subscription_id)
        if (receiver) receiver[retry ? 'retries' : 'firsts'] = left(subscription_id, retry) + 1
      }
    },
    termsOf: async (_tenant, id) => {
      if (of.get(id)?.unread) throw new Error('its secret cannot be opened')
      return { most: of.get(id)?.most ?? null, weight: of.get(id)?.weight ?? 1 }
    },
    isRetry: ({ retry }) => retry,
    log: quiet,
  })

  function finish(): void {
    for (const item of held) {
      if (item.ends > now) continue
      held.delete(item)
      turns.release(item)
      const { subscription_id: id } = item
      sent[id] = (sent[id] ?? 0) + 1
      if (item.retry) retried[id] = (retried[id] ?? 0) + 1
    }
  }

  return {
    sent,
    retried,
    turns,
    /** In hand of a subscription. */
    held: (id: string) => [...held].filter(({ subscription_id }) => subscription_id === id).length,
    /** What has ended makes room, and the room is filled; the last claim that was made for it. */
    async tick(at: number): Promise<Claimed<Item> | null> {
      now = at
      finish()
      let last: Claimed<Item> | null = null
      for (let claims = 0; held.size < capacity && claims < 50; claims++) {
        const limit = Math.min(64, capacity - held.size)
        last = await turns.claim({ id: '', limit, from: null, ahead: true })
        const { items } = last
        assert.ok(items.length <= limit)
        for (const item of items) held.add(item)
        if (items.some(({ ends }) => ends <= now)) finish()
        if (items.length === 0 || items.some(({ ends }) => ends <= now)) break
      }
      return last
    },
  }
}

const one = (subscription: string, more: Partial<Receiver> = {}): Receiver => ({
  tenant: 'a',
  subscription,
  ticks: 4,
  ...more,
})
const ratio = (a = 0, b = 0): number => a / b

for (const ticks of [0, 1, 7]) {
  test(`a weight of 3 gets three times the turns where receivers take ${ticks} ticks`, async () => {
    const light = ['u', 'v', 'w'].map((name) => one(name, { ticks }))
    const { x, ...rest } = await work([one('x', { weight: 3, ticks }), ...light], {
      capacity: 32,
      ticks: 400,
    })
    for (const [name, count] of Object.entries(rest)) {
      const found = ratio(x, count)
      assert.ok(found > 2.7 && found < 3.3, `${found} of ${name}`)
    }
  })
}

test('a weight of 3 gets three times the turns of each of many', async () => {
  const others = Array.from({ length: 40 }, (_, n) => one(`o${n + 10}`))
  const { x = 0, ...rest } = await work([...others, one('x', { weight: 3 })], { capacity: 128, ticks: 400 })
  const mean = Object.values(rest).reduce((sum, count) => sum + count, 0) / others.length
  assert.ok(ratio(x, mean) > 2.5 && ratio(x, mean) < 3.5, `${x} against ${mean}`)
})

test('the weights of one tenant take nothing from another', async () => {
  const sent = await work([one('x', { weight: 100 }), one('y'), one('z', { tenant: 'b' })], {
    capacity: 30,
    ticks: 400,
  })
  const share = (sent['z'] ?? 0) / ((sent['x'] ?? 0) + (sent['y'] ?? 0) + (sent['z'] ?? 0))
  assert.ok(share > 0.3, `${share}`)
  assert.ok((sent['y'] ?? 0) > 0, 'the light one has its turn too')
})

test('of more subscriptions than there are places each has its turns, however fast some of them answer', async () => {
  const many = Array.from({ length: 50 }, (_, n) => one(`s${n + 10}`, { ticks: n % 2 }))
  const sent = await work(many, { capacity: 8, ticks: 1_000 })
  const counts = Object.values(sent)
  assert.ok(
    Math.min(...counts) > 0.5 * Math.max(...counts),
    `${Math.min(...counts)} to ${Math.max(...counts)}`,
  )
})

test('of more than one look shows each has its turns', async () => {
  const many = Array.from({ length: 2_500 }, (_, n) => one(`s${n + 10_000}`, { ticks: 1 }))
  const sent = await work(many, { capacity: 64, ticks: 150 })
  const served = Object.values(sent).filter((count) => count > 0).length
  assert.ok(served === 2_500, `${served} of 2,500`)
})

test('a receiver that hangs holds half of the places at most, and those of a tenant three quarters', async () => {
  const hung = (subscription: string) => one(subscription, { ticks: 1e9 })
  const world = createWorld([hung('x'), one('y', { tenant: 'b', ticks: 1 })], 32)
  for (let tick = 0; tick < 50; tick++) await world.tick(tick)
  assert.ok(world.held('x') <= 16, `${world.held('x')}`)
  assert.ok((world.sent['y'] ?? 0) > 300)

  const tenant = Array.from({ length: 20 }, (_, n) => hung(`h${n + 10}`))
  const another = createWorld([...tenant, one('y', { tenant: 'b', ticks: 1 })], 32)
  for (let tick = 0; tick < 50; tick++) await another.tick(tick)
  const all = tenant.reduce((sum, { subscription }) => sum + another.held(subscription), 0)
  assert.ok(all <= 24, `${all}`)
  assert.ok((another.sent['y'] ?? 0) > 50)
})

test('first attempts come before retries, which have a part of the places all the same', async () => {
  const world = createWorld([one('x', { retries: 1e9, ticks: 1 }), one('y', { ticks: 1 })], 32)
  for (let tick = 0; tick < 100; tick++) await world.tick(tick)
  const all = Object.values(world.sent).reduce((sum, count) => sum + count, 0)
  const retried = world.retried['x'] ?? 0
  assert.ok(retried > 0.05 * all && retried < 0.3 * all, `${retried} of ${all}`)
})

test('nothing more is in hand than a subscription allows, whatever its weight', async () => {
  const world = createWorld([one('x', { most: 2, weight: 100 }), one('y')], 32)
  for (let tick = 0; tick < 50; tick++) {
    await world.tick(tick)
    assert.ok(world.held('x') <= 2)
  }
  assert.ok((world.sent['x'] ?? 0) >= 20)
})

test('one whose subscription cannot be read holds up nobody', async () => {
  const broken = one('x', { unread: true, firsts: 100, ticks: 1 })
  const world = createWorld([broken, one('y', { tenant: 'b', ticks: 1 })], 32)
  for (let tick = 0; tick < 50; tick++) await world.tick(tick)
  assert.ok((world.sent['y'] ?? 0) > 300)
  assert.equal(world.sent['x'], 100, 'it is taken too, and fails by itself')
})

test('what could not be given back takes no place from what comes after', async () => {
  const world = createWorld([one('x', { most: 1, ticks: 1 })], 32, { giveBacks: 1 })
  for (let tick = 0; tick < 50; tick++) await world.tick(tick)
  assert.ok((world.sent['x'] ?? 0) > 40)
})

test('while somebody waits for room, what was looked at just now is not looked at again at once', async () => {
  const world = createWorld([one('x', { most: 1, ticks: 1e9 })], 32)
  for (let tick = 0; tick < 50; tick++) await world.tick(tick)
  const fresh = await world.tick(100)
  assert.equal(fresh?.blocked, true, 'whatever ends looks again')
  assert.ok(Number(fresh?.wait_ms) >= 500, `${fresh?.wait_ms}`)
  const old = await world.turns.claim({ id: '', limit: 31, from: null, ahead: true })
  assert.ok(
    Number(old.wait_ms) <= 10,
    `what came since it was taken is looked for as soon as may be: ${old.wait_ms}`,
  )
})

test('a look that took long is looked past soon, and what was due when it was asked for is found', async () => {
  const since: number[] = []
  const { turns } = createWorld([one('x'), one('y', { firsts: 0 })], 32, { slow_ms: 5_000, since })
  const claim = () => turns.claim({ id: '', limit: 8, from: null, ahead: true })
  for (const item of (await claim()).items) turns.release(item)
  assert.equal((await claim()).items.length, 8)
  assert.ok(since.length > 0 && Math.max(...since) < 0, `${since}`)
  const { wait_ms } = await claim()
  assert.ok(Number(wait_ms) <= 250, `${wait_ms}`)
})

test('a subscription that may send nothing for a while gets no turn until then', async () => {
  const world = createWorld([one('x', { ticks: 1 }), one('y', { ticks: 1 })], 8)
  for (let tick = 0; tick < 10; tick++) await world.tick(tick)
  const before = world.sent['y'] ?? 0
  world.turns.close('y', 20)
  for (let tick = 10; tick < 25; tick++) await world.tick(tick)
  assert.ok((world.sent['y'] ?? 0) - before <= 8, 'what was in hand ends')
  for (let tick = 30; tick < 60; tick++) await world.tick(tick)
  assert.ok((world.sent['y'] ?? 0) - before > 20)
})

test("those who had work when they were looked at and have none now are in nobody's way", async () => {
  const many = Array.from({ length: 400 }, (_, n) => one(`s${n + 100}`, { ticks: 1 }))
  const { turns } = createWorld(many, 64)
  const claim = (limit: number) => turns.claim({ id: '', limit, from: null, ahead: true })
  for (const item of (await claim(64)).items) turns.release(item)
  for (const item of (await claim(1)).items) turns.release(item) // a look at all of them
  for (const gone of many.slice(0, 300)) gone.firsts = 0 // taken by another worker
  const counts: number[] = []
  for (let more = true; more && counts.length < 20; ) {
    const claimed = await claim(16)
    more = claimed.more ?? false
    counts.push(claimed.items.length)
  }
  const vain = counts.indexOf(16)
  assert.ok(vain > 0 && vain < 20, `${counts}`)
})
