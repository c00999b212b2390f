import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Entities in order that once stood still for longer than their source wants. */

let product: Product

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

const newSource = (order: Json, options: Json = {}) =>
  product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Orders',
    settings: {
      ...{ signature: 'token', signature_header: 'x-token', event_id: 'id', entity_id: 'order' },
      ...{ order: 'sequence', position: 'n' },
    },
    secrets: ['a-token-of-theirs'],
    options: { order, ...options },
  }) as Promise<Source>

async function post({ url }: Source, order: string, n: number, more: Json = {}): Promise<string> {
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-theirs' }
  const body = JSON.stringify({ id: `${order}-${n}`, order, n, type: 'order.changed', ...more })
  const response = await fetch(url, { method: 'POST', headers, body })
  assert.equal(response.status, 200)
  return String(((await response.json()) as Json)['id'])
}

const read = (id: string) => product.api.ok('GET', `/v1/messages/${id}`)
const ended = (id: string) =>
  eventually(async () => {
    const message = await read(id)
    return message['state'] !== 'pending' && message
  })

const NEEDS_TOTAL = [{ kind: 'validate', schema: { type: 'object', required: ['total'] } }]

test('what fails behind a number that never came uses up its attempts like any other', async () => {
  const { owner } = product.app.db
  await sql`alter table event add constraint no_poison check (data not like '%poison%')`.execute(owner)
  const source = await newSource({ gap_timeout_s: 1 }, { retry_schedule_s: [1] })
  const poison = await post(source, 'o-behind', 2, { as: 'poison' })
  const message = await ended(poison)
  assert.deepEqual([message['state'], message['attempts']], ['failed', 2])
  assert.deepEqual((await ended(await post(source, 'o-behind', 3)))['flags'], [])
  await sql`alter table event drop constraint no_poison`.execute(owner)
})

test('a message that comes before one that is tried again has all of its own attempts', async () => {
  const { owner } = product.app.db
  await sql`alter table event add constraint no_venom check (data not like '%venom%')`.execute(owner)
  const source = await newSource({ gap_timeout_s: 1 }, { retry_schedule_s: [2, 600] })
  const venom = { as: 'venom' }
  const second = await post(source, 'o-before', 2, venom)
  const failedOnce = (id: string) => eventually(async () => (await read(id))['error'] !== null && read(id))
  assert.equal((await failedOnce(second))['attempts'], 1)
  const first = await post(source, 'o-before', 1, venom)
  assert.equal((await failedOnce(first))['attempts'], 1)
  await sql`alter table event drop constraint no_venom`.execute(owner)
  for (const id of [first, second]) assert.equal((await ended(id))['state'], 'completed')
})

async function countFailed(): Promise<number> {
  const { subjects } = await product.api.ok('GET', '/v1/metrics/webhooks')
  const http = (subjects as Json[]).find(({ subject }) => subject === 'http')
  return Number((http?.['outcomes'] as Json | undefined)?.['failed'] ?? 0)
}

test('a number that somebody skips is not waited for, and counted as failed', async () => {
  const before = await countFailed()
  const source = await newSource({ on_failure: 'block', gap_timeout_s: 600 }, { mapping: NEEDS_TOTAL })
  const [poison, next] = [
    await post(source, 'o-skipped', 1),
    await post(source, 'o-skipped', 2, { total: 1 }),
  ]
  await eventually(async () => (await product.api.send('POST', `/v1/messages/${poison}/skip`)).status === 202)
  const message = await ended(next)
  assert.deepEqual([message['state'], message['flags']], ['completed', []])
  assert.equal((await countFailed()) - before, 1)
})

test('what stands still at a source that is deleted ends with it', async () => {
  const source = await newSource({ on_failure: 'block' }, { mapping: NEEDS_TOTAL })
  const [poison, next] = [await post(source, 'o-left', 1), await post(source, 'o-left', 2, { total: 1 })]
  await eventually(async () => (await product.api.list(`/v1/sources/${source.id}/waiting`)).length === 1)
  await product.api.ok('DELETE', `/v1/sources/${source.id}`)
  for (const id of [poison, next]) {
    const { state, error } = await ended(id)
    assert.deepEqual([state, error], ['failed', 'the source was deleted before the message was processed'])
  }
})
