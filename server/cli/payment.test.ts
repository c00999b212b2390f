import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trilho } from '../test/cli.ts'
import { startProduct } from '../test/product.ts'

test('a payment is made, found, held, taken and given back by the command line', async () => {
  const { api, url, sandbox } = await startProduct()
  const env = { TRILHO_URL: url, TRILHO_API_KEY: api.key }
  const { id: connection } = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
  })
  const card = ['--method', 'card', '--source', 'pm_card_visa', '--metadata', 'order=1042']
  const pay = async (...more: string[]) => {
    const args = ['payment', 'create', String(connection), '15050', ...card, ...more, '--json']
    const { code, out, err } = await trilho(args, env)
    assert.equal(code, 0, err)
    return JSON.parse(out) as { id: string; status: string; metadata: object }
  }
  const paid = await pay()
  assert.deepEqual([paid.status, paid.metadata], ['completed', { order: '1042' }])
  assert.match((await trilho(['payment', 'get', paid.id], env)).out, /^status +completed$/m)
  assert.match((await trilho(['payment', 'refund', paid.id, '5000'], env)).out, /^status +completed$/m)
  const listed = await trilho(['payment', 'list', '--status', 'partially_refunded'], env)
  assert.match(listed.out, new RegExp(`^${paid.id} +partially_refunded +card +15050 BRL +5000 `, 'm'))
  assert.match((await trilho(['payment', 'refunds', paid.id], env)).out, /^rfd_\w+ +completed +5000 BRL /m)

  const held = await pay('--manual')
  assert.equal(held.status, 'authorized')
  assert.match((await trilho(['payment', 'capture', held.id, '10000'], env)).out, /^status +completed$/m)
  const given_up = await pay('--manual')
  assert.match((await trilho(['payment', 'cancel', given_up.id], env)).out, /^status +canceled$/m)
  const too_late = await trilho(['payment', 'cancel', held.id], env)
  assert.deepEqual([too_late.code, too_late.out], [3, ''])
  assert.match(too_late.err, /conflict, 409/)
})
