import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { inTenant } from '../../platform/database/database.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { reactToPayment } from './news.ts'
import * as queries from './queries.ts'
import { routes } from './routes.ts'
import { settle } from './settle.ts'
import { mayMoveOn } from './tries.ts'

type Json = Record<string, unknown>
type Vendor = { front: Front; connection: string; url: string }
type Tried = { connection_id: string; state: string; failure: { reason: string; message: string } | null }
type Paid = Json & { id: string; status: string; connection_id: string; vendor_id: string; tries: Tried[] }

let served: Served
let tenant_id: string
let key: string
let one: Vendor
let two: Vendor
/** What a call meets before it leaves the process, or after its answer is there, by how many were sent before. */
let meets: (path: string) => 'unreachable' | 'killed_before' | 'killed_after' | null = () => null

before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, callRoutes, routes] }, providers })
  const made = await tenantWithKey(served, ['*'], 'test')
  tenant_id = made.tenant_id
  key = made.key
  const { egress } = served.app
  Object.assign(served.app, {
    egress: {
      ...egress,
      send: async (request: Parameters<typeof egress.send>[0]): Promise<EgressResult> => {
        const met = meets(request.url)
        if (met === 'unreachable')
          return {
            kind: 'error',
            code: 'connect',
            sent: false,
            message: 'refused',
            total_ms: 0,
          } as EgressResult
        if (met === 'killed_before') throw new Error('killed')
        const result = await egress.send(request)
        if (met === 'killed_after') throw new Error('killed')
        return result
      },
    },
  })
  one = await connect('One')
  two = await connect('Two')
  await api('POST', '/v1/payment-routes', {
    name: 'Cards',
    is_default: true,
    rules: [
      { when: { 'metadata.only': 'two' }, connection_ids: [two.connection] },
      {
        name: 'declines too',
        when: { 'metadata.declines': 'yes' },
        connection_ids: [one.connection, two.connection],
        next_on: ['card_declined'],
      },
      { when: { 'money.amount': { $lt: 1_000_000 } }, connection_ids: [one.connection, two.connection] },
    ],
  })
})

beforeEach(() => {
  meets = () => null
  for (const { front } of [one, two]) front.calm()
})

async function api(method: string, path: string, body?: unknown): Promise<Json> {
  const reply = await served.send(method, path, { key, ...(body !== undefined && { body }) })
  assert.ok(reply.status < 300, `${method} ${path} answered ${reply.status}: ${reply.text}`)
  return reply.body
}

/** An account of its own. */
async function connect(
  name: string,
  limits: Json = { breaker: false, retry_budget: false },
): Promise<Vendor> {
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  const front = await openFront(sandbox.url)
  const made = await api('POST', '/v1/connections', {
    provider: 'stripe',
    name,
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits,
  })
  return { front, connection: String(made['id']), url: `${sandbox.url}/stripe` }
}

const PAY = { money: { amount: '990', currency: 'BRL' }, source: 'pm_card_visa' }
const pay = (more: Json = {}) => api('POST', '/v1/payments', { ...PAY, ...more }) as Promise<Paid>
const read = (id: string) => api('GET', `/v1/payments/${id}`) as Promise<Paid>
const newest = async (): Promise<Paid> => {
  const { data } = await api('GET', '/v1/payments?limit=1')
  return (data as Paid[])[0] as Paid
}

const CREATE = /POST .*payment_intents$/
const asked = ({ front }: Vendor) => front.seen.filter((what) => CREATE.test(what)).length

async function chargesAt({ url }: Vendor, id: string): Promise<string[]> {
  const query = encodeURIComponent(`metadata["reference"]:"${id}"`)
  const reply = await fetch(`${url}/v1/payment_intents/search?query=${query}`, {
    headers: { authorization: 'Bearer sk_test_abcdef123456' },
  })
  const { data } = (await reply.json()) as { data: { id: string; status: string }[] }
  return data.filter(({ status }) => status === 'succeeded').map((intent) => intent.id)
}

/** Runs the job of now, as the worker does when it falls due. */
async function turn(id: string): Promise<Paid> {
  const place = { tenant_id, id: fromWire('payment', id) }
  const row = await inTenant(served.app.db, tenant_id, (tx) => queries.findPayment(tx, place))
  const payload = { payment_id: place.id, tries: 6, denied: 0 }
  if (row?.job_id) await settle(served.app, { tenant_id, id: row.job_id, payload, attempts: 1 })
  return read(id)
}

test('a payment goes on to the next connection where the first cannot be reached, and says why', async () => {
  meets = (url) => (url.startsWith(one.front.url) ? 'unreachable' : null)
  const paid = await pay()
  assert.equal(paid.status, 'completed')
  assert.equal(paid.connection_id, two.connection)
  const { tries } = await read(paid.id)
  assert.deepEqual(
    tries.map(({ connection_id, state }) => [connection_id, state]),
    [
      [one.connection, 'moved_on'],
      [two.connection, 'asked'],
    ],
  )
  assert.equal(tries[0]?.failure?.reason, 'vendor_unavailable')
  assert.equal((await chargesAt(two, paid.id)).length, 1)
  const refund = await api('POST', `/v1/payments/${paid.id}/refunds`, {})
  assert.equal(refund['status'], 'completed')
})

for (const fault of ['status=401', 'status=403'])
  test(`a vendor that answers ${fault} has not looked at it: the next one is asked`, async () => {
    one.front.fault(CREATE, fault)
    const paid = await pay()
    assert.equal(paid.connection_id, two.connection)
    assert.equal(paid.status, 'completed')
    assert.equal((await chargesAt(one, paid.id)).length, 0)
  })

for (const fault of ['status=500', 'status=503;retry_after=1', 'cut', 'drop'])
  test(`after ${fault} nobody else is asked, and the payment is settled where it was sent`, async () => {
    const before = asked(two)
    one.front.fault(CREATE, fault)
    const lost = await pay()
    one.front.calm()
    const known = await turn(lost.id)
    assert.equal(asked(two), before)
    assert.equal(known.connection_id, one.connection)
    assert.ok((await chargesAt(one, lost.id)).length <= 1)
    assert.equal((await chargesAt(two, lost.id)).length, 0)
  })

test("the payer's own decline ends it, unless the rule names it", async () => {
  const declined = { source: 'pm_card_chargeDeclined' }
  const failed = await pay(declined)
  assert.equal(failed.status, 'failed')
  assert.equal(failed.connection_id, one.connection)
  const sources = { [one.connection]: 'pm_card_chargeDeclined', [two.connection]: 'pm_card_visa' }
  const { source: _source, ...rest } = PAY
  const body = { ...rest, sources, metadata: { declines: 'yes' } }
  const paid = (await api('POST', '/v1/payments', body)) as Paid
  assert.equal(paid.status, 'completed')
  assert.equal(paid.connection_id, two.connection)
  assert.equal((await read(paid.id)).tries[0]?.failure?.reason, 'card_declined')
  const plain = { [one.connection]: 'pm_card_visa', [two.connection]: '4111111111111111' }
  const refused = await served.send('POST', '/v1/payments', { key, body: { ...body, sources: plain } })
  assert.equal(refused.body['field'], 'sources')
  const stolen = { [one.connection]: 'pm_card_chargeDeclinedStolenCard', [two.connection]: 'pm_card_visa' }
  const ended = (await api('POST', '/v1/payments', { ...body, sources: stolen })) as Paid
  assert.equal(ended.status, 'failed')
})

test('a limit means that nobody looked; a code after which nobody may try again ends it', () => {
  const refusal = { kind: 'refused' as const, call_id: 'call_1', status: 402 }
  const failure = { reason: 'card_declined' as const, code: 'do_not_try_again', message: null }
  const may = { next_on: ['card_declined' as const], final_codes: ['do_not_try_again'] }
  assert.equal(mayMoveOn({ ...refusal, failure }, may), false)
  assert.equal(mayMoveOn({ ...refusal, failure: { ...failure, code: 'try_again_later' } }, may), true)
  const busy = { reason: 'rate_limited' as const, code: 'rate_limit', message: null }
  assert.equal(mayMoveOn({ ...refusal, status: 429, failure: busy }, {}), true)
  assert.equal(mayMoveOn({ kind: 'unknown', because: 'a time-out', call_id: null }, may), false)
})

test('once the job asks after it, a reply that comes late sends it nowhere else', async () => {
  const before = asked(two)
  one.front.fault(CREATE, 'status=401')
  one.front.hold(CREATE, async () => {
    one.front.calm()
    await turn((await newest()).id)
  })
  const { id } = await pay()
  assert.equal(asked(two), before)
  const now = await read(id)
  assert.equal(now.status, 'completed')
  assert.equal(now.connection_id, one.connection)
  assert.equal((await chargesAt(one, id)).length, 1)
})

test('where a limit of ours or an open breaker keeps it from being sent, the next one is asked', async () => {
  const tight = await connect('Tight', { rates: [{ calls: 1, per_s: 3_600 }], breaker: false })
  const broken = await connect('Broken', { rates: [{ calls: 1_000, per_s: 60 }] })
  await api('POST', `/v1/connections/${broken.connection}/breaker/open`)
  const rules = [{ connection_ids: [tight.connection, broken.connection, two.connection] }]
  const { id } = await api('POST', '/v1/payment-routes', { name: 'Tight', rules })
  assert.equal((await pay({ route_id: id })).connection_id, tight.connection)
  const paid = await pay({ route_id: id })
  assert.equal(paid.connection_id, two.connection)
  const { tries } = await read(paid.id)
  assert.deepEqual(
    tries.map(({ state, failure }) => [state, failure?.reason]),
    [
      ['moved_on', 'rate_limited'],
      ['moved_on', 'vendor_unavailable'],
      ['asked', undefined],
    ],
  )
  assert.deepEqual([asked(tight), asked(broken)], [1, 0])
})

test('a process that died between two connections is followed to the second, and asks the first no more', async () => {
  one.front.fault(CREATE, 'status=401')
  meets = (url) => (url.startsWith(two.front.url) ? 'killed_before' : null)
  const reply = await served.send('POST', '/v1/payments', { key, body: PAY })
  assert.equal(reply.status, 500)
  meets = () => null
  one.front.calm()
  const before = asked(one)
  const { id } = await newest()
  const paid = await turn(id)
  assert.equal(paid.status, 'completed')
  assert.equal(paid.connection_id, two.connection)
  assert.equal(asked(one), before)
})

test('late news of a connection that was left changes nothing, and that it took money is not hidden', async () => {
  meets = (url) => (url.startsWith(one.front.url) ? 'unreachable' : null)
  const paid = await pay()
  const about = {
    tenant_id,
    provider: 'stripe',
    connection_id: fromWire('connection', one.connection),
    message_id: 'msg_1',
  }
  const money = PAY.money
  const told = { vendor_id: 'pi_left', money, reference: paid.id }
  const stranger = { type: 'payment.completed', data: '{}' }
  const left = await reactToPayment(served.app, { ...told, status: 'failed' }, about, stranger)
  assert.deepEqual(await inTenant(served.app.db, tenant_id, async (tx) => left?.run(tx)), [])
  assert.equal(await reactToPayment(served.app, { ...told, status: 'completed' }, about, stranger), null)
  const now = await read(paid.id)
  assert.deepEqual([now.status, now.vendor_id], ['completed', paid.vendor_id])
})

test('the first rule that fits chooses, and the preview says which and why', async () => {
  const paid = await pay({ metadata: { only: 'two' } })
  assert.equal(paid.connection_id, two.connection)
  const preview = (more: Json) => api('POST', '/v1/payment-routes/preview', { ...PAY, ...more })
  const fits = await preview({ metadata: { declines: 'yes' } })
  assert.deepEqual((fits['rule'] as Json)['name'], 'declines too')
  assert.deepEqual(
    (fits['connections'] as Json[]).map((connection) => connection['takes_it']),
    [true, true],
  )
  const none = await preview({ money: { amount: '1000000', currency: 'BRL' } })
  assert.equal(none['rule'], null)
  const split = await preview({ installments: 3 })
  assert.match(String((split['connections'] as Json[])[0]?.['because']), /no payments in parts/)
  const big = await served.send('POST', '/v1/payments', {
    key,
    body: { ...PAY, money: { amount: '1000000', currency: 'BRL' } },
  })
  assert.equal(big.status, 400)
})

test('a connection that is disabled is skipped, and that is on record', async () => {
  await api('PATCH', `/v1/connections/${one.connection}`, { state: 'disabled' })
  const paid = await pay()
  await api('PATCH', `/v1/connections/${one.connection}`, { state: 'enabled' })
  assert.equal(paid.connection_id, two.connection)
  const { tries } = await read(paid.id)
  assert.deepEqual(
    tries.map(({ state }) => state),
    ['skipped', 'asked'],
  )
  assert.match(String(tries[0]?.failure?.message), /is disabled/)
})

test('a route is of one world, with conditions that can be read and connections that take payments', async () => {
  const make = (rules: unknown) =>
    served.send('POST', '/v1/payment-routes', { key, body: { name: 'Bad', rules } })
  const bad = await make([{ when: { method: { $near: 1 } }, connection_ids: [one.connection] }])
  assert.equal(bad.status, 400)
  assert.match(bad.text, /rules.0.when.method/)
  const { key: live } = await tenantWithKey(served, ['*'], 'live')
  const other = await served.send('POST', '/v1/payment-routes', {
    key: live,
    body: { name: 'Other', rules: [{ connection_ids: [one.connection] }] },
  })
  assert.equal(other.status, 404)
  const made = await api('POST', '/v1/payment-routes', {
    name: 'New',
    is_default: true,
    rules: [{ connection_ids: [two.connection] }],
  })
  const { data } = await api('GET', '/v1/payment-routes')
  const routesNow = data as (Json & { id: string })[]
  assert.deepEqual(
    routesNow.filter(({ is_default }) => is_default).map(({ id }) => id),
    [made['id']],
  )
  await api('PATCH', `/v1/payment-routes/${routesNow[0]?.id}`, { is_default: true })
  assert.equal((await served.send('DELETE', `/v1/payment-routes/${made['id']}`, { key })).status, 204)
})

const REPLIES = [
  'ok',
  'unreachable',
  'status=401',
  'status=429',
  'status=500',
  'status=402',
  'cut',
  'drop',
] as const
const KILLS = [null, null, 'killed_before', 'killed_after'] as const
type Step = { reply: string; kill: (typeof KILLS)[number] }
const STEP: fc.Arbitrary<Step> = fc.record({
  reply: fc.constantFrom(...REPLIES),
  kill: fc.constantFrom(...KILLS),
})

test('no replies, kills and turns of the job take money at two vendors, or leave it where nobody knows', async () => {
  const run = async (steps: Step[], turns: Step[]) => {
    const script = [...steps, ...turns]
    let at = 0
    meets = () => {
      const step = script[at++]
      for (const { front } of [one, two]) front.calm()
      if (!step || step.kill === 'killed_before') return step?.kill ?? null
      if (step.reply === 'unreachable') return 'unreachable'
      if (step.reply !== 'ok') for (const { front } of [one, two]) front.fault(/payment_intents/, step.reply)
      return step.kill
    }
    await served.send('POST', '/v1/payments', { key, body: PAY })
    const { id } = await newest()
    for (const _turn of turns) await turn(id)
    script.length = 0 // from now on all is well
    let now = await read(id)
    for (let more = 0; more < 3 && now.status === 'processing'; more++) now = await turn(id)
    const charges = [...(await chargesAt(one, id)), ...(await chargesAt(two, id))]
    assert.ok(charges.length <= 1, 'charged twice')
    assert.ok(['completed', 'failed'].includes(now.status), now.status)
    assert.deepEqual(charges, now.status === 'completed' ? [now.vendor_id] : [])
    if (now.status === 'completed') {
      const here = now.connection_id === one.connection ? one : two
      assert.deepEqual(await chargesAt(here, id), [now.vendor_id])
    }
  }
  const few = fc.array(STEP, { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(few, fc.array(STEP, { maxLength: 3 }), (steps, turns) => run(steps, turns)),
    { numRuns: 12, endOnFailure: true },
  )
})
