import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trilho } from '../test/cli.ts'
import { startTransferring } from '../test/transferring.ts'

test('a transfer is sent, found, let go by a second person and given up by the command line', async () => {
  const { product, connection, make, otherKey } = await startTransferring()
  const { api, url } = product
  const env = { TRILHO_URL: url, TRILHO_API_KEY: api.key }
  const key = ['--pix-key', 'ana@example.com', '--metadata', 'order=1042']
  const { code, out, err } = await trilho(
    ['transfer', 'create', connection, 'pix', '15050', ...key, '--json'],
    env,
  )
  assert.equal(code, 0, err)
  const sent = JSON.parse(out) as { id: string; metadata: object }
  assert.deepEqual(sent.metadata, { order: '1042' })
  assert.match((await trilho(['transfer', 'get', sent.id], env)).out, /^method +pix$/m)
  const account = ['--branch', '1234', '--account', '56789-0', '--document', '52998224725']
  const own = await trilho(['transfer', 'create', connection, 'internal', '990', ...account], env)
  assert.match(own.out, /^status +processing$/m, own.err)

  for (const wrong of ['56789', '5-67-89']) {
    const unclear = account.map((one) => (one === '56789-0' ? wrong : one))
    const refused = await trilho(['transfer', 'create', connection, 'internal', '990', ...unclear], env)
    assert.deepEqual([refused.code, /--account wants/.test(refused.err)], [2, true], refused.err)
  }

  await api.ok('PUT', '/v1/transfers/policy', { approve_above: '100000' })
  const above = { money: { amount: '100001', currency: 'BRL' } }
  const [held, refused, given_up] = [await make(above), await make(above), await make(above)]
  const other = { ...env, TRILHO_API_KEY: (await otherKey(['transfers:read', 'transfers:approve'])).key }
  const listed = await trilho(['transfer', 'list', '--status', 'awaiting_approval'], env)
  assert.match(listed.out, new RegExp(`^${held.id} +awaiting_approval +pix +100001 BRL `, 'm'))
  assert.match((await trilho(['transfer', 'approve', held.id], other)).out, /^decided_by +key_/m)
  const no = await trilho(['transfer', 'reject', refused.id, '--note', 'not ours'], other)
  assert.match(no.out, /^status +canceled$/m)
  assert.match((await trilho(['transfer', 'cancel', given_up.id], env)).out, /^status +canceled$/m)
})
