import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Json } from '../product.ts'
import { signedPayment } from '../stripe_payment.ts'
import { type Customer, GRACE_MS, type Place, startInstallation } from './installation.ts'

// The stories a customer would tell, each role in processes of its own.

const house = await startInstallation()
const { balancer, places, placesOf, sandbox_url } = house

const pay = (url: string, number: string, secret: string): Promise<Response> =>
  fetch(url, { method: 'POST', ...signedPayment(number, secret) })

/** The way to a source through one process alone. */
const through = (place: Place, url: string): string => place.url + new URL(url).pathname

const INBOX_DEPTH = 'trilho_queue_depth{queue="inbox"}'

async function metric(place: Place, name: string): Promise<number> {
  const text = await (await fetch(`${place.url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  assert.ok(line, `${name} is not among the metrics of ${place.role}`)
  return Number(line.split(' ').at(-1))
}

test('a customer moves in, connects Stripe, and its shop is told, signed, of what Stripe sends', async () => {
  const { api, shop, source } = await house.newCustomer('Mercado Azul')
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${sandbox_url}/stripe` },
    credentials: { secret_key: 'sk_test_journey' },
  })
  const tested = await api.ok('POST', `/v1/connections/${connection['id']}/test`)
  assert.equal(tested['ok'], true, JSON.stringify(tested))

  const orders = { url: source.url, secret: source.secret, events: ['payment_intent.succeeded'], count: 5 }
  const sending = await fetch(`${sandbox_url}/stripe/_control/webhooks`, {
    method: 'POST',
    body: JSON.stringify(orders),
  })
  const { sent } = (await sending.json()) as { sent: { accepted: boolean }[] }
  assert.deepEqual(
    sent.map(({ accepted }) => accepted),
    [true, true, true, true, true],
  )
  await eventually(async () => shop.told.size === 5)
  assert.equal(shop.forged, 0)

  const [payment = ''] = shop.told.keys()
  const found = await api.list(`/v1/search?q=${payment}`)
  assert.ok(
    found.some(({ kind }) => kind === 'event'),
    `${payment} finds ${JSON.stringify(found)}`,
  )
})

/**
 * Asks again and again until it is refused with 401. Nothing begun more than a second after the change may pass, and
 * nothing passes once it was refused.
 */
async function refusedWithinASecond(changed_at: number, ask: () => Promise<number>): Promise<void> {
  let last_passed = 0
  let slowest_ms = 0
  await eventually(async () => {
    const began = performance.now()
    const status = await ask()
    slowest_ms = Math.max(slowest_ms, performance.now() - began)
    if (status === 401) return true
    assert.ok(status < 300, `answered ${status}`)
    last_passed = began
    return false
  })
  // Where one request takes long, all of the machine does, and so does word from process to process.
  assert.ok(
    last_passed < changed_at + 1000 + 5 * slowest_ms,
    `passed ${Math.round(last_passed - changed_at)} ms after the change`,
  )
  assert.equal(await ask(), 401)
}

test('a rotated signing secret and a revoked key are refused by every process within a second', async () => {
  const { api, source } = await house.newCustomer('Padaria Central')
  let number = 0
  const send = (place: Place, secret: string) => async () =>
    (await pay(through(place, source.url), `rotated_${number++}`, secret)).status
  for (const place of placesOf('ingest')) assert.equal(await send(place, source.secret)(), 200)
  const new_secret = `${source.secret}_new`
  await api.ok('PATCH', `/v1/sources/${source.id}`, { secrets: [new_secret] })
  const rotated_at = performance.now()
  await Promise.all(
    placesOf('ingest').map((place) => refusedWithinASecond(rotated_at, send(place, source.secret))),
  )
  for (const place of placesOf('ingest')) assert.equal(await send(place, new_secret)(), 200)

  const lent = await api.ok('POST', '/v1/keys', {
    name: 'Lent',
    environment: 'test',
    scopes: ['events:read'],
  })
  const headers = { authorization: `Bearer ${lent['key']}` }
  const read = (place: Place) => async () => (await fetch(`${place.url}/v1/events`, { headers })).status
  for (const place of placesOf('api')) assert.equal(await read(place)(), 200)
  await api.ok('DELETE', `/v1/keys/${lent['id']}`)
  const revoked_at = performance.now()
  await Promise.all(placesOf('api').map((place) => refusedWithinASecond(revoked_at, read(place))))
})

/** Payments through the proxy, one after another, and reads beside them; `end` says which payments were taken. */
function steadyLoad({ api, source }: Customer): {
  end(): Promise<string[]>
  taken: string[]
  failed: string[]
} {
  const taken: string[] = []
  const failed: string[] = []
  let on = true
  const senders = [0, 1, 2].map(async (sender) => {
    for (let n = 0; on; n++, await sleep(25)) {
      const number = `rolling_${sender}_${n}`
      const { status } = await pay(source.url, number, source.secret)
      if (status === 200) taken.push(`pi_${number}`)
      else failed.push(`${number}: ${status}`)
    }
  })
  const reader = (async () => {
    for (; on; await sleep(50)) {
      const { status } = await api.send('GET', '/v1/events?limit=5')
      if (status !== 200) failed.push(`GET /v1/events: ${status}`)
    }
  })()
  const end = async () => {
    on = false
    await Promise.all([...senders, reader])
    return taken
  }
  return { end, taken, failed }
}

/** A call to a vendor that takes its time; comes back once the vendor has it in hand. */
async function beginSlowCall({ api }: Customer, place: Place): Promise<{ answer: Promise<Response> }> {
  const mark = `slow_${placesOf('api').indexOf(place)}`
  const settings = { base_url: `${sandbox_url}/bin/${mark}` }
  const made = { provider: 'http', name: mark, environment: 'development', settings }
  const { id } = await api.ok('POST', '/v1/connections', made)
  const answer = fetch(`${place.url}/v1/connections/${id}/calls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'POST', path: '/orders?delay_ms=500', body: {} }),
  })
  await eventually(async () => {
    const summary = await fetch(`${sandbox_url}/bin/${mark}/_summary`)
    return ((await summary.json()) as Json)['requests'] === 1
  })
  return { answer }
}

test('every process is replaced in turn under load: nothing taken is lost, and nobody sees a 5xx', async () => {
  const customer = await house.newCustomer('Loja do Porto')
  const load = steadyLoad(customer)
  for (const place of places) {
    const before = load.taken.length
    await eventually(async () => load.taken.length >= before + 10)
    const in_hand = place.role === 'api' ? await beginSlowCall(customer, place) : null
    const told_at = performance.now()
    assert.equal(await place.stop(), 0, `a process of the role ${place.role} did not end in order`)
    assert.ok(performance.now() - told_at < 0.8 * GRACE_MS, 'it waited for connections that are at rest')
    assert.equal((await in_hand?.answer)?.status ?? 200, 200, 'what a process has in hand is answered')
    await place.start()
  }
  const taken = await load.end()
  assert.deepEqual(load.failed, [])
  assert.deepEqual(
    [...balancer.statuses.keys()].filter((status) => status >= 500),
    [],
  )
  assert.ok(taken.length >= 60)
  const missing = () => taken.filter((payment) => !customer.shop.told.has(payment))
  await eventually(async () => missing().length === 0).catch(() => assert.deepEqual(missing(), []))
  // A worker that is told to end finishes what it holds, so nothing is sent a second time.
  assert.equal(customer.shop.arrivals, customer.shop.told.size)
  for (const [payment, ids] of customer.shop.told) assert.equal(ids.size, 1, payment)
  assert.equal(customer.shop.forged, 0)
})

test('while no worker runs, webhooks are taken and wait where everybody sees them, and then all go out', async () => {
  const { shop, source } = await house.newCustomer('Farmácia Sol')
  const [api] = placesOf('api')
  assert.ok(api)
  await eventually(async () => (await metric(api, INBOX_DEPTH)) === 0) // of the journeys before
  assert.deepEqual(await Promise.all(placesOf('worker').map((worker) => worker.stop())), [0, 0])
  for (let n = 0; n < 20; n++) assert.equal((await pay(source.url, `late_${n}`, source.secret)).status, 200)
  for (const place of [...placesOf('api'), ...placesOf('ingest')]) {
    await eventually(async () => (await metric(place, INBOX_DEPTH)) === 20)
    const ready = await fetch(`${place.url}/ready`)
    assert.equal(((await ready.json()) as Json)['ready'], true, 'who takes messages is ready for more')
  }
  await eventually(async () => (await metric(api, 'trilho_queue_oldest_seconds{queue="inbox"}')) > 0.2)
  assert.equal(shop.told.size, 0)

  await Promise.all(placesOf('worker').map((worker) => worker.start()))
  await eventually(async () => shop.told.size === 20)
  for (const depth of [INBOX_DEPTH, 'trilho_queue_depth{queue="delivery"}'])
    await eventually(async () => (await metric(api, depth)) === 0)
})
