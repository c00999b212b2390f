import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Product, startProduct } from '../../test/product.ts'

let product: Product

before(async () => {
  product = await startProduct()
})

/** A message as a worker left it that went down over it so many times. */
async function leaveMessage(claims: number): Promise<string> {
  const { db, newId } = product.app
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: ['s'],
  })
  const [tenant_id, source_id, id] = [
    fromWire('tenant', product.api.tenant_id),
    fromWire('source', String(source['id'])),
    newId(),
  ]
  const body = Buffer.from(
    JSON.stringify({
      id: `evt_${id}`,
      object: 'event',
      type: 'customer.created',
      created: 1,
      data: { object: {} },
    }),
  )
  await sql`
    with record as (insert into inbox (tenant_id, id, source_id, event_key, headers, body)
                    values (${tenant_id}, ${id}, ${source_id}, ${id}, '{}', ${body}))
    insert into inbox_queue (tenant_id, id, due, claim, attempts) values (${tenant_id}, ${id}, now(), ${newId()}, ${claims})`.execute(
    db.owner,
  )
  return id
}

const stateOf = (id: string) =>
  eventually(async () => {
    const { rows } = await sql<{ state: string; error: string | null }>`
      select state, error from inbox where id = ${id} and state <> 'pending'`.execute(product.app.db.owner)
    return rows[0]
  })

test('a message that was cut off a few times is still processed', async () => {
  const id = await leaveMessage(5)
  product.app.db.notify('trilho_inbox', 'new')
  assert.deepEqual(await stateOf(id), { state: 'ignored', error: null })
})

test('a message that every worker goes down over is given up in the end, and says so', async () => {
  const [poison, innocent] = [await leaveMessage(20), await leaveMessage(0)]
  product.app.db.notify('trilho_inbox', 'new')
  const { state, error } = await stateOf(poison)
  assert.equal(state, 'failed')
  assert.match(String(error), /given up.*21 times/)
  assert.equal((await stateOf(innocent)).state, 'ignored')
})

test('a failure that names a field which PostgreSQL does not take is kept as one, at once', async () => {
  const source = await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Strict',
    settings: { signature: 'token', signature_header: 'x-token' },
    secrets: ['theirs'],
    options: {
      mapping: [{ kind: 'validate', schema: { additionalProperties: { type: 'string' } } }],
      retry_schedule_s: [1],
    },
  })
  const headers = { 'content-type': 'application/json', 'x-token': 'theirs' }
  const body = JSON.stringify({ type: 't', 'a\0b': 7 })
  const response = await fetch(String(source['url']), { method: 'POST', headers, body })
  const { id } = (await response.json()) as { id: string }
  const { state, error } = await stateOf(fromWire('message', id))
  assert.deepEqual([state, error], ['failed', 'step 0 of the mapping: ab must be string'])
})
