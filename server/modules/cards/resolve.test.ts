import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { undoAfter } from '../../test/harness.ts'
import { type Issuing, startIssuing, stripe } from '../../test/issuing.ts'
import { apiOf, eventually, type Json } from '../../test/product.ts'

let at: Issuing

before(async () => {
  at = await startIssuing()
})
beforeEach(() => at.calm())

const ISSUE = /POST .*\/issuing\/cards$/
const say = (id: string, body: Json) => at.product.api.send('POST', `/v1/cards/${id}/resolve`, body)

/** From now on it is three hours later for us. */
function later(): void {
  const { app } = at.product
  const { clock } = app
  Object.assign(app, { clock: { ...clock, now: () => new Date(clock.now().getTime() + 3 * 3_600_000) } })
  undoAfter(async () => void Object.assign(app, { clock }))
}

test('a card that asking cannot find since its connection was changed says so, and is resolved by hand', async () => {
  const { api } = at.product
  const known = await at.issue({}, at.silent)
  const issue = async (fault: string) => {
    at.silent.front.fault(ISSUE, fault)
    const lost = await at.issue({}, at.silent)
    at.calm()
    return lost
  }
  const [lost, gone] = [await issue('drop'), await issue('drop')]
  const { connection, cardholder } = at.silent
  await api.ok('PATCH', `/v1/connections/${connection}`, {
    credentials: { secret_key: 'sk_test_another00000001' },
  })
  const note = 'seen on their dashboard'
  assert.equal((await say(lost.id, { outcome: 'failed', note })).status, 409) // it is too early to know

  later()
  const why = await eventually(async () => {
    await at.askNow(lost.id)
    const now = await at.read(lost.id)
    return now.status === 'processing' && (now['failure'] as Json | null)
  })
  assert.equal(why['code'], 'connection_changed')
  const made = await stripe(
    'POST',
    '/v1/issuing/cards',
    `cardholder=${cardholder}&type=virtual&currency=brl`,
    at.silent,
  )
  const wrong: [Json, number, string][] = [
    [{ outcome: 'issued', note }, 400, 'vendor_id'],
    [{ outcome: 'issued', vendor_id: 'ic_none', note }, 409, 'vendor_id'],
    [{ outcome: 'issued', vendor_id: known.vendor_id, note }, 409, 'vendor_id'],
  ]
  for (const [body, status, field] of wrong) {
    const reply = await say(lost.id, body)
    assert.deepEqual([reply.status, reply.body['field']], [status, field], JSON.stringify(reply.body))
  }
  const issued = await say(lost.id, { outcome: 'issued', vendor_id: made['id'], note })
  const { body } = issued
  assert.deepEqual([body['status'], body['vendor_id'], body['failure']], ['inactive', made['id'], null])
  const failed = await say(gone.id, { outcome: 'failed', note })
  assert.deepEqual(
    [failed.body['status'], (failed.body['failure'] as Json)['code']],
    ['failed', 'resolved_by_hand'],
  )
  assert.equal((await say(gone.id, { outcome: 'failed', note })).status, 409)
  assert.deepEqual(await at.toldOf(lost.id), ['card.issued'])
  assert.deepEqual(await at.toldOf(gone.id), ['card.failed'])
  const audits = await api.list('/v1/audit?action=card.resolve')
  assert.equal(audits.length, 2)
  const stranger = await at.product.newTenant()
  assert.equal(
    (await stranger.send('POST', `/v1/cards/${lost.id}/resolve`, { outcome: 'failed', note })).status,
    404,
  )
})

test('a card whose connection was deleted says so, and a key of the live world says what became of it', async () => {
  const { api } = at.product
  at.silent.front.fault(ISSUE, 'drop')
  const lost = await at.issue({}, at.silent)
  at.calm()
  const headers = { authorization: `Bearer ${at.product.admin_key}`, 'trilho-tenant': api.tenant_id }
  const admin = apiOf(at.product.url, headers, '', '')
  await admin.ok('DELETE', `/v1/connections/${at.silent.connection}`)
  const why = await eventually(async () => {
    await at.askNow(lost.id)
    return (await at.read(lost.id))['failure'] as Json | null
  })
  assert.equal(why['code'], 'connection_deleted')
  later()
  const says = { outcome: 'failed', note: 'canceled on their dashboard' }
  assert.equal((await say(lost.id, says)).status, 403)
  const issued = { ...says, outcome: 'issued', vendor_id: 'ic_1' }
  assert.equal((await admin.send('POST', `/v1/cards/${lost.id}/resolve`, issued)).status, 409)
  assert.equal((await admin.ok('POST', `/v1/cards/${lost.id}/resolve`, says))['status'], 'failed')
})
