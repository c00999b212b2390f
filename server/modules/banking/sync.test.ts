import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { VendorTransaction } from '../../kit/banking.ts'
import { systemClock } from '../../platform/clock.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { type ModelBank, modelProvider, openModelBank } from '../../test/model_bank.ts'
import type { App } from '../app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { addDays } from './days.ts'
import { routes } from './routes.ts'
import { runSync } from './sync.ts'
import { claimSyncs, type DueSync } from './sync_queries.ts'

let served: Served
let vendor: ModelBank
let tenant: { tenant_id: string; key: string }
/** With a clock that stands where a test puts it. */
let app: App
let now = new Date('2026-03-10T15:00:00Z')

before(async () => {
  vendor = await openModelBank()
  const provider = modelProvider({ history_days: 20, window_days: 15, ahead_days: 5 })
  served = await serve({
    providers: new Map([[provider.id, provider]]),
    mount: { rooms: [connectionRoutes, routes] },
  })
  app = { ...served.app, clock: { ...systemClock, now: () => now } }
  tenant = await tenantWithKey(served, ['*'], 'test')
})

const send = async (method: string, path: string, body?: unknown) => {
  const reply = await served.send(method, path, { key: tenant.key, ...(body !== undefined && { body }) })
  assert.ok(reply.status < 300, reply.text)
  return reply.body
}

async function newBank(user_id: string): Promise<string> {
  const settings = { base_url: vendor.url }
  const limits = { name: 'Model', bank_code: '00000000', provider: 'model_bank', settings, schedule: null }
  return String((await send('POST', '/v1/banks', { user_id, ...limits }))['id'])
}

/** What is due of this tenant, as a worker takes it. */
async function take(): Promise<DueSync> {
  const { items } = await claimSyncs(app.db.worker, { id: crypto.randomUUID(), limit: 10, ahead: true })
  const [item] = items
  assert.ok(item && items.length === 1, `${items.length} syncs are due`)
  return item
}

const ask = (bank: string) => send('POST', `/v1/banks/${bank}/sync`)

async function sync(bank: string): Promise<Record<string, unknown>> {
  const { id } = await ask(bank)
  await runSync(app, await take(), () => true)
  return send('GET', `/v1/bank-syncs/${id}`)
}

type Row = { id: string; vendor_id: string; status: string; amount: string; description: string; at: Date }

const rowsOf = (bank: string): Promise<Row[]> =>
  inTenant(app.db, tenant.tenant_id, async (tx) => {
    const { rows } = await sql<Row>`
      select id, vendor_id, status, amount, description, at from bank_transaction
       where tenant_id = ${tenant.tenant_id} and bank_id = ${fromWire('bank', bank)} and removed_at is null`.execute(
      tx,
    )
    return rows
  })

const toRow = (day: string, more: Partial<VendorTransaction> = {}): VendorTransaction => ({
  ...{ vendor_id: crypto.randomUUID(), status: 'booked', money: { amount: '-1000', currency: 'BRL' } },
  ...{ kind: 'card', description: 'Padaria', at: `${day}T12:00:00.000Z`, is_final: false },
  ...more,
})

const today = () => now.toISOString().slice(0, 10)

/** What may happen to a bank and to us, in any order. `n` chooses among the rows there are. */
type Deed =
  | { do: 'add'; amount: number; days: number; is_final: boolean }
  | { do: 'twin' | 'vanish' | 'rename' | 'book' | 'edit'; n: number }
  | { do: 'night' | 'sync' | 'two workers' }
  | { do: 'crash'; turns: number }

const n = fc.nat({ max: 20 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      amount: fc.integer({ min: 1, max: 2 }),
      days: fc.integer({ min: -2, max: 2 }),
      is_final: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'twin' as const,
        'vanish' as const,
        'rename' as const,
        'rename' as const,
        'book' as const,
        'edit' as const,
      ),
      n,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('night' as const, 'sync' as const, 'sync' as const, 'two workers' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('crash' as const), turns: fc.integer({ min: 1, max: 4 }) }),
  },
)

type Truth = { rows: VendorTransaction[]; vanished: Set<string>; ids: Map<string, Set<string>> }

const likeness = ({ money, at, kind }: VendorTransaction) => `${money.amount} ${at.slice(0, 10)} ${kind}`
const dayOfRow = ({ at }: VendorTransaction) => at.slice(0, 10)

/** As banks do: what is not booked may get another id, what is booked until the day after, unless it is final. */
const mayRename = (row: VendorTransaction) =>
  row.status !== 'booked' || (!row.is_final && addDays(dayOfRow(row), 1) >= today())

function happen(truth: Truth, deed: Deed): void {
  const { rows } = truth
  const at = 'n' in deed && rows.length > 0 ? deed.n % rows.length : -1
  const row = rows[at]
  if (deed.do === 'add') {
    const day = addDays(today(), deed.days)
    const status = deed.days > 0 ? 'future' : 'booked'
    rows.push(
      toRow(day, {
        status,
        is_final: deed.is_final,
        money: { amount: `-${deed.amount}00`, currency: 'BRL' },
      }),
    )
  }
  if (!row) return
  if (deed.do === 'twin') rows.splice(at, 0, { ...row, vendor_id: crypto.randomUUID() })
  if (deed.do === 'edit') rows[at] = { ...row, description: `${row.description}.` }
  if (deed.do === 'rename' && mayRename(row)) rows[at] = { ...row, vendor_id: crypto.randomUUID() }
  if (deed.do === 'book' && row.status === 'future')
    rows[at] = { ...row, status: 'booked', vendor_id: deed.n % 2 ? row.vendor_id : crypto.randomUUID() }
  if (deed.do === 'vanish') {
    rows.splice(at, 1)
    truth.vanished.add(likeness(row))
  }
}

/** Exactly the bank's rows, and each group of equal ones under the ids it had. */
async function check(bank: string, truth: Truth): Promise<void> {
  const ours = await rowsOf(bank)
  const shown = ours.map((row) => [
    row.vendor_id,
    row.status,
    row.amount,
    row.description,
    row.at.toISOString(),
  ])
  const told = truth.rows.map((row) => [row.vendor_id, row.status, row.money.amount, row.description, row.at])
  assert.deepEqual(shown.sort(), told.sort())
  const id_of = new Map(ours.map((row) => [row.vendor_id, row.id]))
  const ids = new Map<string, Set<string>>()
  for (const [like, group] of Map.groupBy(truth.rows, likeness))
    ids.set(like, new Set(group.map(({ vendor_id }) => String(id_of.get(vendor_id)))))
  for (const [like, before] of truth.ids) {
    if (truth.vanished.has(like)) continue
    for (const id of before) assert.ok(ids.get(like)?.has(id), `the id of ${like} has changed`)
  }
  truth.ids = ids
  truth.vanished = new Set()
}

/** One worker stalls in the middle, another takes the work over; then the first one wakes. */
async function race(bank: string): Promise<void> {
  await ask(bank)
  const first = await take()
  let wake = () => {}
  const stalled = new Promise<void>((resolve) => {
    vendor.before = (path) => {
      if (!path.includes('/transactions')) return
      vendor.before = () => {}
      resolve()
      return new Promise<void>((go) => {
        wake = go
      })
    }
  })
  const running = runSync(app, first, () => true)
  await stalled
  await sql`update bank_sync_queue set due = now() - interval '1 s' where id = ${first.id}`.execute(
    app.db.owner,
  )
  await runSync(app, await take(), () => true)
  wake()
  await running
}

async function crash(bank: string, turns: number): Promise<void> {
  await ask(bank)
  let left = turns
  await runSync(app, await take(), () => left-- > 0)
  const { rows } = await sql`select from bank_sync_queue where tenant_id = ${tenant.tenant_id}`.execute(
    app.db.owner,
  )
  if (rows.length > 0) await runSync(app, await take(), () => true)
}

test('whatever banks and workers do, our transactions are those of the bank, each once, under the ids they had', async () => {
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 4, maxLength: 24 }), async (deeds) => {
      now = new Date('2026-03-10T15:00:00Z')
      vendor.page_size = 2
      const truth: Truth = { rows: [], vanished: new Set(), ids: new Map() }
      vendor.accounts = new Map([[`acc-${++round}`, truth.rows]])
      const bank = await newBank(`user-${round}`)
      for (const deed of [...deeds, { do: 'sync' } as Deed]) {
        if (deed.do === 'night') now = new Date(now.getTime() + 86_400_000)
        else if (deed.do === 'sync') await sync(bank)
        else if (deed.do === 'two workers') await race(bank)
        else if (deed.do === 'crash') await crash(bank, deed.turns)
        else happen(truth, deed)
        if (['sync', 'two workers', 'crash'].includes(deed.do)) await check(bank, truth)
      }
      await send('DELETE', `/v1/banks/${bank}`)
    }),
    { numRuns: Number(process.env['RUNS'] ?? 12), seed: Number(process.env['SEED'] ?? 7) },
  )
})

test('an account that its bank keeps closed is left out, and the others are read', async () => {
  now = new Date('2026-03-10T15:00:00Z')
  vendor.accounts = new Map([
    ['closed', [toRow(today())]],
    ['open', [toRow(today()), toRow(today())]],
  ])
  vendor.before = (path) => {
    if (path.includes('/closed/')) throw Object.assign(new Error('locked'), { status: 423 })
  }
  const bank = await newBank('two-accounts')
  const run = await sync(bank)
  vendor.before = () => {}
  assert.deepEqual([run['state'], run['error'], run['imported']], ['failed', 'account_blocked', 2])
  assert.equal((await sync(bank))['imported'], 1)
})

test('a balance that moves without a transaction shows as drift, and is told of once each time that changes', async () => {
  vendor.accounts = new Map([['drifts', [toRow(today())]]])
  vendor.balances = new Map([['drifts', '100000']])
  const bank = await newBank('drifter')
  const drift = async () => {
    await sync(bank)
    const { data } = await send('GET', `/v1/banks/${bank}/accounts`)
    const [account] = data as { balance: { drift: { amount: string } } }[]
    return account?.balance.drift.amount
  }
  assert.equal(await drift(), '0')
  vendor.accounts.get('drifts')?.push(toRow(today()))
  vendor.balances.set('drifts', '99000')
  assert.equal(await drift(), '0')
  vendor.balances.set('drifts', '59000')
  assert.equal(await drift(), '-40000')
  assert.equal(await drift(), '-40000')
  vendor.accounts.get('drifts')?.push(toRow(today(), { money: { amount: '-40000', currency: 'BRL' } }))
  assert.equal(await drift(), '0')
  const { rows } = await sql<{ data: string }>`
    select data from event where type = 'bank.drifted'
       and data like ${`%${bank}%`} order by id`.execute(app.db.owner)
  const told = rows.map(({ data }) => JSON.parse(data) as Record<'drift' | 'was', { amount: string }>)
  assert.deepEqual(
    told.map((one) => [one.was.amount, one.drift.amount]),
    [
      ['0', '-40000'],
      ['-40000', '0'],
    ],
  )
})

test('a bank too slow for what it tells to stay true is given up after some tries, not read for ever', async () => {
  now = new Date('2026-03-10T15:00:00Z')
  vendor.page_size = 1
  vendor.accounts = new Map([['slow', [toRow(today()), toRow(today()), toRow(today())]]])
  let asked = 0
  vendor.before = (path) => {
    if (!path.includes('/transactions')) return
    asked += 1
    if (asked > 100) throw new Error('it is read for ever')
    now = new Date(now.getTime() + 16 * 60_000)
  }
  const bank = await newBank('patient')
  const run = await sync(bank)
  assert.deepEqual([run['state'], run['error']], ['failed', 'bank_too_slow'])
  assert.deepEqual(await rowsOf(bank), [])
  vendor.before = () => {}
  vendor.page_size = 2
  assert.equal((await sync(bank))['imported'], 3)
})

test('a sync that has had its time goes to the end of the queue between two steps, never between two pages', async () => {
  now = new Date('2026-03-10T15:00:00Z')
  vendor.page_size = 1
  vendor.accounts = new Map([['long', [toRow(today()), toRow(today()), toRow(today())]]])
  const bank = await newBank('long')
  const { id } = await ask(bank)
  let monotonic = 0
  vendor.before = () => {
    monotonic += 21_000
  }
  const hasty = { ...app, clock: { ...app.clock, monotonic: () => monotonic } }
  for (let turns = 0; turns < 20; turns++) {
    if ((await runSync(hasty, await take(), () => true)) === null) break
    const { rows } = await sql`select from bank_sync_page where tenant_id = ${tenant.tenant_id}`.execute(
      app.db.owner,
    )
    assert.equal(rows.length, 0)
  }
  vendor.before = () => {}
  assert.equal((await send('GET', `/v1/bank-syncs/${id}`))['imported'], 3)
})
