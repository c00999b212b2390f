import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Api, apiOf, eventually } from '../../test/product.ts'
import { startTransferring, type Transferring } from '../../test/transferring.ts'

let at: Transferring
let approver: Api

const ABOVE = { money: { amount: '100001', currency: 'BRL' } }

before(async () => {
  at = await startTransferring()
  approver = await at.otherKey(['transfers:read', 'transfers:approve'])
  await at.product.api.ok('PUT', '/v1/transfers/policy', { approve_above: '100000' })
})

test('above the limit nothing is sent before somebody else approves it, and then it is sent once', async () => {
  const below = await at.make({ money: { amount: '100000', currency: 'BRL' } })
  assert.equal(below.status, 'processing')
  const held = await at.make(ABOVE)
  assert.equal(held.status, 'awaiting_approval')
  const mine = await at.act(held.id, 'approve')
  assert.deepEqual([mine.status, mine.body['code']], [403, 'forbidden'])
  assert.deepEqual(await at.atBank(held), [])
  const both = await Promise.all([1, 2].map(() => at.act(held.id, 'approve', undefined, approver)))
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409])
  const done = await at.until(held.id, 'completed')
  assert.notEqual(done['decided_by'], done['created_by'])
  assert.equal((await at.atBank(held)).length, 1)
  const told = await at.toldOf(held.id)
  assert.deepEqual(told.slice(0, 2), ['transfer.awaiting_approval', 'transfer.pending'])
})

test('one that was approved while the bank could not be reached is sent later, and once', async () => {
  const { id } = await at.make({ ...ABOVE, connection_id: await at.connect({}) }) // it has no token yet
  at.front.fault(/POST .*\/oauth\/token/, 'status=503')
  const approved = await at.act(id, 'approve', undefined, approver)
  const { failure } = approved.body as { failure: { code: string } | null }
  assert.deepEqual([approved.status, approved.body['status'], failure?.code], [200, 'pending', 'not_sent'])
  assert.equal(approved.body['sent_at'], null)
  at.front.calm()
  const done = await at.until(id, 'completed')
  assert.equal(done.failure, null)
  assert.deepEqual(
    (await at.atBank({ id })).map(({ debited }) => debited),
    [100_001],
  )
  const told = await at.toldOf(id)
  const way = ['awaiting_approval', 'pending', 'processing', 'pending']
  assert.deepEqual(
    told.slice(0, 4),
    way.map((status) => `transfer.${status}`),
  )
})

test('one that could not be sent for half a day is given up, and no connection sends it later', async () => {
  const { id, disable, enable } = await approvedInVain()
  await disable()
  await pendingFor(id, 11)
  await at.hurry(id)
  await eventually(async () => (await turnsOf({ id })).every(({ is_to_come }) => is_to_come))
  assert.equal((await at.read(id)).status, 'pending')
  await pendingFor(id, 13)
  await enable()
  const over = await at.until(id, 'failed')
  assert.deepEqual(over.failure?.code, 'not_sent')
  assert.match(String(over.failure?.message), /twelve hours/)
  assert.deepEqual(await at.atBank({ id }), [])
  assert.equal((await at.toldOf(id)).at(-1), 'transfer.failed')
})

test('one that was not sent before its connection was deleted is given up at once', async () => {
  const { id, drop } = await approvedInVain()
  await drop()
  const over = await at.until(id, 'failed')
  assert.match(String(over.failure?.message), /was deleted before it was sent/)
  assert.deepEqual(await at.atBank({ id }), [])
})

/** Nobody could be asked: it waits to be sent. */
async function approvedInVain() {
  const connection_id = await at.connect({})
  const { id } = await at.make({ ...ABOVE, connection_id })
  at.front.fault(/POST .*\/oauth\/token/, 'status=503')
  assert.equal((await at.act(id, 'approve', undefined, approver)).body['status'], 'pending')
  at.front.calm()
  const path = `/v1/connections/${connection_id}`
  const { api } = at.product
  return {
    id,
    disable: () => api.ok('PATCH', path, { state: 'disabled' }),
    enable: () => api.ok('PATCH', path, { state: 'enabled' }),
    drop: () => api.send('DELETE', path),
  }
}

const pendingFor = (id: string, hours: number) =>
  sql`update transfer_move set at = now() - make_interval(hours => ${hours})
       where transfer_id = ${fromWire('transfer', id)} and status = 'pending'`.execute(
    at.product.app.db.owner,
  )

test('the policy is that of the connection, whatever world an administrator acts in', async () => {
  const { url, admin_key, api } = at.product
  for (const world of ['live', 'test']) {
    const headers = { authorization: `Bearer ${admin_key}`, 'trilho-tenant': api.tenant_id }
    const admin = apiOf(url, { ...headers, 'trilho-environment': world }, '', api.tenant_id)
    const asked = await at.ask(ABOVE, admin)
    assert.deepEqual([asked.status, asked.body['status']], [201, 'awaiting_approval'], world)
  }
})

test('approved before its day it waits for it', async () => {
  const scheduled_for = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10)
  const { id } = await at.make({ ...ABOVE, scheduled_for })
  const approved = await at.act(id, 'approve', undefined, approver)
  assert.deepEqual([approved.status, approved.body['status']], [200, 'scheduled'])
  assert.deepEqual(await at.atBank({ id }), [])
})

test('rejected or given up it is over, and who rejected it is on record', async () => {
  const [rejected, given_up] = [await at.make(ABOVE), await at.make(ABOVE)]
  const note = 'the invoice is not ours'
  assert.equal((await at.act(rejected.id, 'reject', { note })).status, 403)
  const reply = await at.act(rejected.id, 'reject', { note }, approver)
  assert.deepEqual([reply.status, reply.body['status']], [200, 'canceled'])
  assert.equal((reply.body['failure'] as { code: string }).code, 'rejected')
  assert.equal((await at.act(rejected.id, 'approve', undefined, approver)).status, 409)
  assert.equal((await at.act(given_up.id, 'cancel')).body['status'], 'canceled')
  assert.equal((await at.act(given_up.id, 'approve', undefined, approver)).status, 409)
  assert.deepEqual([...(await at.atBank(rejected)), ...(await at.atBank(given_up))], [])
})

test('to approve takes its own scope, and so does to say what needs it', async () => {
  const writer = await at.otherKey(['transfers:read', 'transfers:write', 'connections:read'])
  const made = await at.ask(ABOVE, writer)
  assert.equal(made.body['status'], 'awaiting_approval')
  const reader = await at.otherKey(['transfers:write'])
  assert.equal((await at.act(String(made.body['id']), 'approve', undefined, reader)).status, 403)
  const room = await at.otherKey(['transfers:*'])
  assert.equal((await at.act(String(made.body['id']), 'approve', undefined, room)).status, 403)
  assert.equal((await writer.send('PUT', '/v1/transfers/policy', { approve_above: null })).status, 403)
  const policy = await writer.ok('GET', '/v1/transfers/policy')
  assert.deepEqual(policy, { environment: 'test', approve_above: '100000', approve_within_days: 7 })
})

test('what nobody approves in time is given up, is told of, and is never sent', async () => {
  const policy = { approve_above: '100000', approve_within_days: 2 }
  await at.product.api.ok('PUT', '/v1/transfers/policy', policy)
  const held = await at.make(ABOVE)
  const kept = await at.product.api.ok('PUT', '/v1/transfers/policy', { approve_above: '100000' })
  assert.equal(kept['approve_within_days'], 2, 'what is not said stays as it was')
  const wait_ms = Date.parse(String(held['approve_by'])) - Date.parse(String(held['created_at']))
  assert.equal(Math.round(wait_ms / DAY_MS), 2)
  await at.hurry(held.id)
  await eventually(async () => (await turnsOf(held)).every(({ is_to_come }) => is_to_come))
  assert.equal(
    (await at.read(held.id)).status,
    'awaiting_approval',
    'a turn that comes early gives nothing up',
  )
  await at.later(72, async () => {
    const late = await at.act(held.id, 'approve', undefined, approver)
    assert.deepEqual([late.status, late.body['code']], [409, 'conflict'])
    assert.equal((await at.read(held.id)).status, 'awaiting_approval')
    const over = await at.until(held.id, 'canceled')
    assert.deepEqual([over.failure?.code, over['decided_by']], ['approval_expired', null])
    assert.equal(over.moves.at(-1)?.cause, 'schedule')
  })
  assert.deepEqual(await at.toldOf(held.id), ['transfer.awaiting_approval', 'transfer.canceled'])
  assert.deepEqual(await at.atBank(held), [])
  await eventually(async () => (await turnsOf(held)).length === 0)
  assert.equal((await at.act(held.id, 'approve', undefined, approver)).status, 409)
})

const DAY_MS = 86_400_000

/** What is to be done about it later. */
async function turnsOf({ id }: { id: string }): Promise<{ is_to_come: boolean }[]> {
  const { rows } = await sql<{ is_to_come: boolean }>`
    select due > now() and claim is null as is_to_come from job
     where payload ->> 'transfer_id' = ${fromWire('transfer', id)}`.execute(at.product.app.db.owner)
  return rows
}
