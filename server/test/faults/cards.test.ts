import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'pg'
import { fromWire } from '../../platform/ids.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type Front, openFront } from '../faulty_front.ts'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { type Card, listen, type Purchase, stripe } from '../issuing.ts'
import { freePort } from '../ports.ts'
import { type Api, apiOf, eventually, type Json } from '../product.ts'
import { type Product, startProduct } from './product.ts'
import { startProxy } from './proxy.ts'
import type { Passage, Side } from './steps.ts'

/**
 * A process of the product killed by SIGKILL where it issues a card and where it answers a merchant, and started again on
 * the same data: one card is issued, or none, and no money is held that the vendor did not approve.
 */

/** A busy machine needs a while to end a process. */
const PATIENCE_MS = 120_000
const ISSUE = /POST .*\/issuing\/cards$/
const DAILY = 1_000

let env: Record<string, string>
let product: Product
let api: Api
let front: Front
let pool: Pool
let vendor: { url: string }
let issuing: { connection_id: string; cardholder: string }

/** Statements to come, one after another: the last of them meets its end, and with it the process. */
type Trap = { begins: RegExp[]; side: Side }
let trap: Trap | null = null

before(async () => {
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  front = await openFront(sandbox.url)
  vendor = { url: `${sandbox.url}/stripe` }
  const database_url = await testDatabaseUrl()
  pool = new Pool({ connectionString: database_url, max: 2 })
  undoAfter(() => pool.end())
  const tap = await startProxy(database_url, { meet })
  undoAfter(() => tap.close())
  env = await settings(tap.url)
  product = await startProduct(env)
  undoAfter(async () => {
    product.kill()
    await product.ended
  })
  api = await newTenant()
  issuing = await furnish()
  await listen({ api }, vendor)
})

function meet(name: string): Passage {
  const [next, ...rest] = trap?.begins ?? []
  const passes = { lost: false, fails: () => false }
  if (!trap || !next?.test(name)) return passes
  const { side } = trap
  trap = rest.length === 0 ? null : { begins: rest, side }
  if (trap) return passes
  if (side === 'before') product.kill()
  const fails = () => {
    product.kill()
    return true
  }
  return { lost: side === 'before', fails }
}

async function settings(database_url: string): Promise<Record<string, string>> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-killed-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  return {
    DATABASE_URL: database_url,
    TRILHO_DATA_DIR: dir,
    TRILHO_PORT: String(await freePort()), // the vendor knows the address of a source
    TRILHO_SANDBOX: 'false',
    TRILHO_ADMIN_KEY: randomBytes(24).toString('hex'),
    TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_DB_POOL_SIZE: '4',
    TRILHO_LOG_LEVEL: 'error',
  }
}

async function newTenant(): Promise<Api> {
  const admin = { authorization: `Bearer ${env['TRILHO_ADMIN_KEY']}` }
  const { id } = await apiOf(product.url, admin, '', '').ok('POST', '/v1/tenants', { name: 'Mercado Azul' })
  const acting = apiOf(product.url, { ...admin, 'trilho-tenant': String(id) }, '', '')
  const { key } = await acting.ok('POST', '/v1/keys', { name: 'Killed', environment: 'test', scopes: ['*'] })
  return apiOf(product.url, { authorization: `Bearer ${key}` }, String(key), String(id))
}

async function furnish() {
  const made = await api.ok('POST', '/v1/connections', {
    ...{ provider: 'stripe', name: 'Stripe', environment: 'development' },
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { breaker: false, retry_budget: false },
  })
  const address = { line1: 'Rua das Flores 12', city: 'Recife', postal_code: '50000-000', country: 'BR' }
  const call = await api.ok('POST', `/v1/connections/${made['id']}/calls`, {
    operation: 'cards.create_cardholder',
    input: { name: 'Joana Prado', first_name: 'Joana', last_name: 'Prado', address },
  })
  return {
    connection_id: String(made['id']),
    cardholder: String((call['result'] as { vendor_id: string }).vendor_id),
  }
}

const issue = (more: Json = {}): Promise<Card> =>
  api.ok('POST', '/v1/cards', {
    ...{ ...issuing, kind: 'virtual', currency: 'BRL', active: true },
    ...more,
  }) as Promise<Card>

/** The process is gone, whatever became of the request, and another one stands in its place. */
async function killedDuring(request: Promise<unknown>): Promise<void> {
  const answered = request.then(
    () => {},
    () => {},
  )
  const missed = answered.then(() => sleep(PATIENCE_MS, true, { ref: false }))
  const is_missed = await Promise.race([product.ended.then(() => false), missed])
  assert.equal(is_missed, false, 'the process met its end where it was meant to')
  product = await startProduct(env)
}

const cardsOf = async (customer: string): Promise<Card[]> =>
  (await api.list('/v1/cards?limit=100')).filter((card) => card['customer'] === customer) as Card[]

/** Those that the vendor made under our id. */
async function atVendor(id: string): Promise<Json[]> {
  const { data } = (await stripe('GET', '/v1/issuing/cards?limit=100', undefined, vendor)) as { data: Json[] }
  return data.filter(({ metadata }) => (metadata as Json)['reference'] === id)
}

/** Its turn to be settled comes now; one that is under way is left alone. */
async function hurry(id: string): Promise<void> {
  await pool.query(`update job set due = now() where claim is null and payload ->> 'card_id' = $1`, [
    fromWire('card', id),
  ])
  await pool.query(`select pg_notify('trilho_job', 'new')`)
}

const settled = (id: string): Promise<Card> =>
  eventually(async () => {
    const card = (await api.ok('GET', `/v1/cards/${id}`)) as Card
    if (card.status === 'active') return card
    await hurry(id)
    return null
  })

/** Nobody asks the vendor about it any more, so that the next trap is met by whom it is laid for. */
const left = (id: string): Promise<unknown> =>
  eventually(async () => {
    const { rows } = await pool.query(
      `select from job where payload ->> 'card_id' = $1 and (claim is not null or due <= now())`,
      [fromWire('card', id)],
    )
    return rows.length === 0
  })

async function issuedEvents(id: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from event where entity_id = $1 and type = 'card.issued'`,
    [id],
  )
  return rows[0]?.n ?? 0
}

test('a card whose process was killed as it was put on record is not there, and was asked for nowhere', async () => {
  const before = front.seen.filter((what) => ISSUE.test(what)).length
  trap = { begins: [/^insert into "card" /], side: 'after' }
  await killedDuring(issue({ customer: 'rolled-back' }))
  assert.deepEqual(await cardsOf('rolled-back'), [])
  assert.equal(front.seen.filter((what) => ISSUE.test(what)).length, before)
})

const PLACES: Record<string, () => void> = {
  'before the vendor was asked': () => {
    trap = { begins: [/^call_start/], side: 'after' }
  },
  'when the vendor had it': () => {
    front.hold(ISSUE, async () => {
      product.kill()
      await product.ended
    })
  },
  'before the answer was on record': () => {
    front.hold(ISSUE, async () => {
      trap = { begins: [/^update "card" /], side: 'before' }
    })
  },
}

for (const [place, strike] of Object.entries(PLACES))
  test(`a card whose process was killed ${place} is issued once, and told once`, async () => {
    strike()
    await killedDuring(issue({ customer: place }))
    const [card, ...more] = await cardsOf(place)
    // The vendor may have told of it before anybody asks.
    assert.deepEqual([['processing', 'active'].includes(String(card?.status)), more.length], [true, 0])
    const { id } = await settled(String(card?.id))
    await left(id)
    assert.deepEqual([(await atVendor(id)).length, await issuedEvents(id)], [1, 1])
  })

/** A merchant asks for money. */
const buy = (card: Card, amount: number): Promise<Purchase> =>
  stripe(
    'POST',
    '/v1/test_helpers/issuing/authorizations',
    `card=${card.vendor_id}&amount=${amount}`,
    vendor,
  ) as Promise<Purchase>

for (const [place, begins] of [
  ['before a decision was on record', [/^insert into "card_decision" /]],
  ['before a decision was committed', [/^insert into "card_decision" /, /^commit/i]],
] as const)
  test(`a merchant that asked a process killed ${place} is told no, and nothing stays held`, async () => {
    const limits = { spending: [{ amount: String(DAILY), interval: 'daily' }] }
    const card = await issue({ limits })
    trap = { begins: [...begins], side: 'before' }
    const purchase = buy(card, DAILY)
    await killedDuring(purchase)
    const asked = await purchase
    assert.equal(asked.approved, false)
    const found = await eventually(async () => {
      const [one] = await api.list(`/v1/cards/authorizations?vendor_id=${asked.id}`)
      return one
    })
    const path = `/v1/cards/authorizations/${found['id']}`
    const told = await eventually(async () => {
      await api.send('POST', `${path}/refresh`)
      const now = await api.ok('GET', path)
      return now['status'] === 'declined' && (now['decisions'] as Json[]).length > 0 && now
    })
    assert.equal((told['decisions'] as Json[]).length, 1)
    const again = await buy(card, DAILY)
    assert.equal(again.approved, true, JSON.stringify(again.request_history))
  })
