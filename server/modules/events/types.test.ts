import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Api, apiOf, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product
before(async () => {
  product = await startProduct()
})

const shipped = (more: Json = {}): Json => ({
  name: 'order.shipped',
  description: 'An order left the warehouse',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { id: '1042' },
  ...more,
})
const second = () =>
  shipped({
    version: 2,
    schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } },
    example: { order_id: '1042' },
  })
const publish = async (tenant: Api, body: Json) => {
  const { status, body: answer } = await tenant.send('POST', '/v1/events', { type: 'order.shipped', ...body })
  return status === 201 ? answer['version'] : answer['field']
}

test('an event is checked by the version it names, and by the newest where it names none', async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types', shipped())
  assert.equal((await tenant.send('POST', '/v1/event-types', shipped())).status, 409)
  await tenant.ok('POST', '/v1/event-types', second())
  assert.equal(await publish(tenant, { data: { order_id: '1' } }), 2)
  assert.equal(await publish(tenant, { data: { id: '1' } }), 'data.order_id')
  assert.equal(await publish(tenant, { data: { id: '1' }, version: 1 }), 1)
  assert.equal(await publish(tenant, { data: { id: '1' }, version: 3 }), 'version')
  const [newest] = await tenant.list('/v1/events')
  assert.equal(newest?.['version'], 1)
})

test('what is deprecated is still published, says what to use instead, and is the newest no more', async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types', shipped())
  await tenant.ok('POST', '/v1/event-types', second())
  const deprecated = { message: 'use version 1' }
  const told = await tenant.ok('PATCH', '/v1/event-types/order.shipped', { deprecated })
  assert.deepEqual([told['version'], (told['deprecated'] as Json)['message']], [2, 'use version 1'])
  assert.equal(await publish(tenant, { data: { id: '1' } }), 1)
  const old = await tenant.ok('POST', '/v1/events', {
    type: 'order.shipped',
    version: 2,
    data: { order_id: '1' },
  })
  assert.equal(old['deprecated'], 'use version 1')
  await tenant.ok('PATCH', '/v1/event-types/order.shipped', { version: 2, deprecated: null })
  assert.equal(await publish(tenant, { data: { order_id: '1' } }), 2)
})

test('one version is taken out alone, and what is not yours cannot be changed', async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types', shipped())
  await tenant.ok('POST', '/v1/event-types', second())
  assert.equal((await tenant.send('DELETE', '/v1/event-types/order.shipped?version=2')).status, 204)
  assert.equal((await tenant.send('DELETE', '/v1/event-types/order.shipped?version=2')).status, 404)
  assert.equal(await publish(tenant, { data: { id: '1' } }), 1)
  const stranger = await product.newTenant()
  const change = { description: 'Mine now' }
  assert.equal((await stranger.send('PATCH', '/v1/event-types/order.shipped', change)).status, 404)
  assert.equal((await stranger.send('PATCH', '/v1/event-types/payment.completed', change)).status, 404)
  const ours = shipped({ name: 'payment.completed', version: 2 })
  assert.equal((await tenant.send('POST', '/v1/event-types', ours)).status, 409)
})

test('a pattern that cannot be judged safely is refused with the type, and one that can holds up nobody', async () => {
  const tenant = await product.newTenant()
  const withPattern = (pattern: string) => ({
    name: 'order.coded',
    description: 'An order has a code',
    schema: { properties: { code: { pattern } } },
  })
  const refused = await tenant.send('POST', '/v1/event-types', withPattern('^(?=a)b'))
  assert.deepEqual([refused.status, refused.body['field']], [400, 'schema'])
  assert.match(String(refused.body['detail']), /no look-around.*\(\?=a\)/)
  await tenant.ok('POST', '/v1/event-types', withPattern('^(a+)+$'))
  const before = performance.now()
  const data = { code: `${'a'.repeat(40)}!` }
  const misfit = await tenant.send('POST', '/v1/events', { type: 'order.coded', data })
  assert.deepEqual([misfit.status, misfit.body['field']], [400, 'data.code'])
  assert.ok(performance.now() - before < 2_000)
})

const OPENAPI = {
  openapi: '3.1.0',
  webhooks: {
    'invoice.paid': {
      post: {
        summary: 'An invoice was paid',
        requestBody: {
          content: {
            'application/json': {
              schema: { $ref: '#/components/schemas/InvoiceEvent' },
              example: { type: 'invoice.paid', data: { id: 'i1', lines: [{ text: 'a', next: null }] } },
            },
          },
        },
      },
    },
    'invoice.lost': { $ref: '#/components/pathItems/lost' },
    'bad name!': { post: {} },
    'payment.completed': {
      post: { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } },
    },
    'broken.reference': {
      post: {
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/None' } } } },
      },
    },
  },
  components: {
    pathItems: {
      lost: {
        post: {
          deprecated: true,
          requestBody: { $ref: '#/components/requestBodies/lost' },
        },
      },
    },
    requestBodies: { lost: { content: { 'application/json': { schema: { type: 'object' } } } } },
    schemas: {
      InvoiceEvent: {
        type: 'object',
        properties: { type: { const: 'invoice.paid' }, data: { $ref: '#/components/schemas/Invoice' } },
      },
      Invoice: {
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'string' },
          lines: { type: 'array', items: { $ref: '#/components/schemas/Line' } },
        },
      },
      Line: {
        type: 'object',
        properties: {
          text: { type: 'string' },
          next: { anyOf: [{ $ref: '#/components/schemas/Line' }, { type: 'null' }] },
        },
      },
    },
  },
}

test('the webhooks of an OpenAPI document become types, and another schema another version', async () => {
  const tenant = await product.newTenant()
  const take = async (openapi: Json, more: Json = {}) => {
    const { data } = await tenant.ok('POST', '/v1/event-types/import', { openapi, ...more })
    return Object.fromEntries((data as Json[]).map(({ name, result }) => [name, result]))
  }
  const first = {
    'invoice.paid': 'created',
    'invoice.lost': 'created',
    'bad name!': 'skipped',
    'payment.completed': 'skipped',
    'broken.reference': 'skipped',
  }
  assert.deepEqual(await take(OPENAPI, { dry_run: true }), first)
  assert(!(await tenant.list('/v1/event-types')).some(({ name }) => name === 'invoice.paid'))
  assert.deepEqual(await take(OPENAPI), first)
  assert.deepEqual(await take(OPENAPI), {
    ...first,
    'invoice.paid': 'unchanged',
    'invoice.lost': 'unchanged',
  })
  const changed = structuredClone(OPENAPI)
  changed.components.schemas.Invoice.required.push('lines')
  assert.equal((await take(changed))['invoice.paid'], 'new_version')
  const fits = {
    type: 'invoice.paid',
    data: { id: 'i1', lines: [{ text: 'a', next: { text: 'b', next: null } }] },
  }
  assert.equal((await tenant.ok('POST', '/v1/events', fits))['version'], 2)
  const wrong = { type: 'invoice.paid', data: { id: 'i1', lines: [{ text: 'a', next: { text: 1 } }] } }
  assert.equal((await tenant.send('POST', '/v1/events', wrong)).body['field'], 'data.lines.0.next.text')
  const types = await tenant.list('/v1/event-types')
  const lost = types.find(({ name }) => name === 'invoice.lost')
  assert.deepEqual([lost?.['example'], lost?.['deprecated'] !== null], [null, true])
  const empty = await tenant.send('POST', '/v1/event-types/import', { openapi: { openapi: '3.1.0' } })
  assert.deepEqual([empty.status, empty.body['field']], [400, 'openapi'])
})

const order30 = {
  type: 'object',
  required: ['note', 'amount', 'ship_to'],
  properties: {
    note: { type: 'string', nullable: true, description: 'Of the buyer' },
    kind: { type: 'string', enum: ['a', 'b'], nullable: true },
    amount: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
    ship_to: { nullable: true, allOf: [{ $ref: '#/components/schemas/Address' }] },
    nullable: { type: 'boolean' },
  },
}
const made30 = {
  allOf: [{ $ref: '#/components/schemas/Envelope' }, { type: 'object', properties: { data: order30 } }],
}
const OPENAPI_30 = {
  openapi: '3.0.3',
  'x-webhooks': {
    'order.made': { post: { requestBody: { content: { 'application/json': { schema: made30 } } } } },
  },
  components: {
    schemas: {
      Address: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
      Envelope: { type: 'object', required: ['type'], properties: { type: { type: 'string' }, data: {} } },
    },
  },
}

test('of OpenAPI 3.0 what may be null may be null, and a bound that is left out is', async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types/import', { openapi: OPENAPI_30 })
  const fieldOf = async (change: Json) => {
    const data = { note: null, kind: null, amount: 1, ship_to: null, ...change }
    const { status, body } = await tenant.send('POST', '/v1/events', { type: 'order.made', data })
    return status === 201 ? null : body['field']
  }
  assert.equal(await fieldOf({}), null)
  assert.equal(await fieldOf({ note: 'x', kind: 'a', amount: 9, ship_to: { city: 'Olinda' } }), null)
  assert.equal(await fieldOf({ amount: 0 }), 'data.amount')
  assert.equal(await fieldOf({ amount: 10 }), 'data.amount')
  assert.equal(await fieldOf({ nullable: 'x' }), 'data.nullable')
  assert.match(String(await fieldOf({ kind: 'c' })), /^data\.kind/)
  assert.match(String(await fieldOf({ ship_to: {} })), /^data\.ship_to/)
  const text = await textAt(tenant, '/v1/event-types/types.d.ts')
  assert.match(text, /\/\*\* Of the buyer \*\/\s+note: string \| null\n/)
  assert.match(text, /ship_to: \w+Address \| null\n/)
  assert.match(text, /kind\?: "a" \| "b" \| null\n/)
})

/** The text of an answer that is no JSON. */
const textAt = async (tenant: Api, path: string) => {
  const answer = await fetch(product.url + path, { headers: { authorization: `Bearer ${tenant.key}` } })
  assert.equal(answer.status, 200)
  return answer.text()
}

const TRICKY = {
  name: 'order.odd_2x',
  description: 'Ends a comment */ and begins <script>alert(1)</script>\nin two lines',
  schema: {
    type: 'object',
    required: ['kind', 'a-b'],
    properties: {
      kind: { enum: ['a', 'b', null, 3] },
      'a-b': { type: ['string', 'null'], description: 'odd */ name' },
      list: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'integer' }] } },
      map: { type: 'object', additionalProperties: { type: 'number' } },
      both: { allOf: [{ $ref: '#/$defs/Part' }, { type: 'object', properties: { b: { type: 'boolean' } } }] },
    },
    $defs: { Part: { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/Part' } } } },
  },
  example: { kind: 'a', 'a-b': null },
}

test('the catalog is TypeScript that compiles, and tells the data by the type', {
  timeout: 600_000,
}, async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types', TRICKY)
  await tenant.ok('POST', '/v1/event-types', shipped())
  await tenant.ok('POST', '/v1/event-types', second())
  await tenant.ok('POST', '/v1/event-types', shipped({ name: 'order_shipped' }))
  const dir = await mkdtemp(join(tmpdir(), 'trilho-types-'))
  try {
    await writeFile(join(dir, 'events.ts'), await textAt(tenant, '/v1/event-types/types.d.ts'))
    await writeFile(join(dir, 'receiver.ts'), RECEIVER)
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
    const flags = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--types',
      '',
      '--module',
      'nodenext',
    ]
    const files = [join(dir, 'events.ts'), join(dir, 'receiver.ts')]
    const made = await promisify(execFile)(process.execPath, [tsc, ...flags, ...files]).catch(
      (error) => error,
    )
    assert.equal(`${made.stdout}`, '')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

const RECEIVER = `
import type { OrderShipped, WebhookEvent } from './events.js'
export function take(event: WebhookEvent): string {
  if (event.type === 'payment.completed') return event.data.payment.money.amount
  if (event.type === 'order.shipped' && 'id' in event.data) return event.data.id
  // @ts-expect-error: there is no such type
  if (event.type === 'order.never') return ''
  // @ts-expect-error: narrowed to what it may be
  return event.data.payment.money.amount
}
export const one: OrderShipped = { id: '1042' }
`

test('the page of the catalog shows every type, and nothing in it is taken for markup', async () => {
  const tenant = await product.newTenant()
  await tenant.ok('POST', '/v1/event-types', TRICKY)
  await tenant.ok('PATCH', '/v1/event-types/order.odd_2x', { deprecated: { message: 'use <b>another</b>' } })
  const page = await textAt(tenant, '/v1/event-types/page.html')
  assert(page.includes('payment.completed') && page.includes('id="order.odd_2x-1"'))
  assert(page.includes('use &lt;b&gt;another&lt;/b&gt;'))
  assert(!page.includes('<script>') && !page.includes('<b>another'))
  const stranger = apiOf(product.url, {}, '', '')
  assert.equal((await stranger.send('GET', '/v1/event-types/page.html')).status, 401)
})
