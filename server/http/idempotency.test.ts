import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Type from 'typebox'
import type { Routes } from '../modules/app.ts'
import { beginOnce, forgetOldAnswers } from '../modules/tenants/tenants.ts'
import { inTenant } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { startProxy } from '../test/faults/proxy.ts'
import { createSteps } from '../test/faults/steps.ts'
import { testDatabaseUrl, undoAfter } from '../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../test/http_app.ts'

let served: Served
let other: Served
/** How often each name took effect, on whichever server. */
const effects = new Map<string, number>()

const room: Routes = (http) => {
  const body = Type.Object(
    { name: Type.String(), slow_ms: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  )
  const config = { access: 'calls:write' as const }
  http.post('/v1/effects', { config, schema: { operationId: 'effect', body } }, async (request, reply) => {
    const { name, slow_ms = 0 } = request.body
    const times = (effects.get(name) ?? 0) + 1
    effects.set(name, times)
    await sleep(slow_ms)
    if (name.startsWith('breaks') && times === 1) throw new Error('broken the first time')
    if (name.startsWith('refused')) throw new Problem('conflict', { detail: 'Not like this.' })
    return reply
      .code(201)
      .header('location', `/v1/effects/${name}`)
      .send({ name, secret: `s-${randomUUID()}` })
  })
  const outside = { config: { ...config, acts_outside: true } }
  http.post(
    '/v1/outside',
    { ...outside, schema: { operationId: 'outside', body } },
    async (request, reply) => {
      const { name } = request.body
      effects.set(name, (effects.get(name) ?? 0) + 1)
      if (name === 'vendor-500')
        return reply.code(500).header('trilho-call-id', 'call_1').send({ vendor: 'is down' })
      if (name === 'vendor-504') throw new Problem('vendor_outcome_unknown', { detail: 'It may have acted.' })
      if (name === 'vendor-502') throw new Problem('vendor_failed', { detail: 'It cannot be reached.' })
      throw new Error('broken after the vendor acted')
    },
  )
  const named = Type.Object({ name: Type.String() }, { additionalProperties: false })
  http.post('/v1/committed', { config, schema: { operationId: 'commit', body: named } }, (request, reply) =>
    inTenant(cutOff.app.db, request.actor.tenant_id, async () => {
      const { name } = request.body
      effects.set(name, (effects.get(name) ?? 0) + 1)
      steps.arm({ step: 'commit', side: 'after' }, () => {})
    }).then(() => reply.code(201).send({})),
  )
  http.delete('/v1/effects/:id', { config, schema: { operationId: 'undo' } }, async (_request, reply) =>
    reply.code(204).send(),
  )
}

/** One whose wire to PostgreSQL is cut where a test says so. */
let cutOff: Served
const steps = createSteps()

before(async () => {
  const [database_url, master_key] = [await testDatabaseUrl(), Buffer.alloc(32, 9)]
  const tap = await startProxy(database_url, steps)
  undoAfter(() => tap.close())
  cutOff = await serve({ database_url: tap.url, master_key, mount: { rooms: [room] } })
  served = await serve({ database_url, master_key, mount: { rooms: [room] } })
  other = await serve({ database_url, master_key, mount: { rooms: [room] } })
})

const ask = (key: string, idempotency_key: string, body: unknown, server = served) =>
  server.send('POST', '/v1/effects', { key, body, headers: { 'idempotency-key': idempotency_key } })

test('of twenty at once with one key, on two servers, one takes effect and the others wait or get its answer', async () => {
  const { key } = await tenantWithKey(served)
  const body = { name: 'race', slow_ms: 50 }
  const asked = Array.from({ length: 20 }, (_, i) => ask(key, 'race-1', body, i % 2 ? other : served))
  const replies = await Promise.all(asked)
  assert.equal(effects.get('race'), 1)
  assert.equal(
    replies.filter(({ status, headers }) => status === 201 && !headers.has('idempotency-replayed')).length,
    1,
  )
  for (const reply of replies) {
    if (reply.status === 201) continue
    assert.deepEqual([reply.status, reply.body['code']], [409, 'request_in_progress'])
    assert.equal(reply.headers.get('retry-after'), '1')
  }
})

test('a repeat gets the same answer to the byte, from any server, and says that it is a repeat', async () => {
  const { key } = await tenantWithKey(served)
  const first = await ask(key, 'again-1', { name: 'again' })
  assert.equal(first.headers.get('idempotency-replayed'), null)
  for (const server of [served, other]) {
    const again = await ask(key, 'again-1', { name: 'again' }, server)
    assert.deepEqual([again.status, again.text], [201, first.text])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    assert.equal(again.headers.get('location'), '/v1/effects/again')
    assert.equal(again.headers.get('content-type'), first.headers.get('content-type'))
    assert.notEqual(again.headers.get('request-id'), first.headers.get('request-id'))
  }
  assert.equal(effects.get('again'), 1)
})

test('an answer without a body, and a refusal, are repeated too', async () => {
  const { key } = await tenantWithKey(served)
  const headers = { 'idempotency-key': 'empty-1' }
  for (const replayed of [null, 'true']) {
    const gone = await served.send('DELETE', '/v1/effects/1', { key, headers })
    assert.deepEqual([gone.status, gone.text, gone.headers.get('idempotency-replayed')], [204, '', replayed])
  }
  const [first, again] = [
    await ask(key, 'refused-1', { name: 'refused' }),
    await ask(key, 'refused-1', { name: 'refused' }),
  ]
  assert.deepEqual([again.status, again.text], [409, first.text])
  assert.equal(again.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  assert.equal(effects.get('refused'), 1)
})

test('a key used with another body, address or method is refused and changes nothing', async () => {
  const { key } = await tenantWithKey(served)
  await ask(key, 'reused-1', { name: 'reused' })
  const body = await ask(key, 'reused-1', { name: 'reused-other' })
  const method = await served.send('DELETE', '/v1/effects/1', {
    key,
    headers: { 'idempotency-key': 'reused-1' },
  })
  for (const reply of [body, method]) {
    assert.deepEqual([reply.status, reply.body['code']], [422, 'idempotency_key_reused'])
  }
  assert.equal(effects.has('reused-other'), false)
})

test('a failure of ours frees the key, so that the repeat runs', async () => {
  const { key } = await tenantWithKey(served)
  assert.equal((await ask(key, 'breaks-1', { name: 'breaks' })).status, 500)
  assert.equal((await ask(key, 'breaks-1', { name: 'breaks' })).status, 201)
  assert.equal(effects.get('breaks'), 2)
})

test('what was being committed as the connection was lost does not run again under its key', async () => {
  const { key } = await tenantWithKey(cutOff)
  const body = { name: 'committed' }
  const commit = () =>
    cutOff.send('POST', '/v1/committed', { key, body, headers: { 'idempotency-key': 'commit-1' } })
  const first = await commit()
  assert.deepEqual([first.status, first.body['code'], steps.fired()], [503, 'overloaded', true])
  assert.match(String(first.body['detail']), /whether it took effect is not known/)
  const again = await commit()
  assert.deepEqual([again.status, again.body['code'], effects.get('committed')], [409, 'outcome_unknown', 1])
})

test('an answer that cannot be kept is not given, and the request does not run again', async () => {
  const { key } = await tenantWithKey(served)
  const { vault } = served.app
  served.app.vault = { ...vault, seal: () => Promise.reject(new Error('the vault is shut')) }
  const first = await ask(key, 'unkept-1', { name: 'unkept' }).finally(() => {
    served.app.vault = vault
  })
  assert.deepEqual([first.status, first.body['code']], [500, 'internal'])
  const again = await ask(key, 'unkept-1', { name: 'unkept' })
  assert.deepEqual([again.status, again.body['code'], effects.get('unkept')], [409, 'outcome_unknown', 1])
})

test('what may have happened at a vendor is never done again under the same key', async () => {
  const { key } = await tenantWithKey(served)
  const cases = [
    ['vendor-500', 500, 500, 1],
    ['vendor-504', 504, 504, 1],
    ['ours', 500, 409, 1],
    ['vendor-502', 502, 502, 2], // it did not happen, so it may be tried again
  ] as const
  for (const [name, status, then, times] of cases) {
    const act = () =>
      served.send('POST', '/v1/outside', { key, body: { name }, headers: { 'idempotency-key': name } })
    const [first, again] = [await act(), await act()]
    assert.deepEqual([first.status, again.status, effects.get(name)], [status, then, times], name)
    assert.equal(again.headers.get('trilho-call-id'), first.headers.get('trilho-call-id'))
    assert.equal(again.body['code'], name === 'ours' ? 'outcome_unknown' : first.body['code'])
  }
})

test('what is refused before the room is reached does not use the key up', async () => {
  const { key } = await tenantWithKey(served)
  assert.equal((await ask(key, 'early-1', { nmae: 'early' })).status, 400)
  assert.equal((await ask(key, 'early-1', { name: 'early' })).status, 201)
})

test('the keys of two callers are apart', async () => {
  const [one, two] = [await tenantWithKey(served), await tenantWithKey(served)]
  const answers = [
    await ask(one.key, 'same', { name: 'apart' }),
    await ask(two.key, 'same', { name: 'apart' }),
  ]
  assert.equal(effects.get('apart'), 2)
  assert.notEqual(answers[0]?.text, answers[1]?.text)
})

test('a request cut off by a crash answers outcome_unknown and does not run again', async () => {
  const { key, key_id, tenant_id } = await tenantWithKey(served)
  const past = { ...served.app, clock: { ...served.app.clock, now: () => new Date(Date.now() - 61_000) } }
  const probe = await ask(key, 'probe', { name: 'probe' })
  assert.equal(probe.status, 201)
  // What a process leaves that was killed a minute ago while it ran this very request.
  const fingerprint = await fingerprintOf(tenant_id, 'probe')
  const claim = { tenant_id, actor: key_id, key: 'cut-1', fingerprint, process_id: randomUUID() }
  assert.deepEqual(await beginOnce(past, claim, () => false), { state: 'mine' })
  for (const server of [served, other]) {
    const reply = await ask(key, 'cut-1', { name: 'probe' }, server)
    assert.deepEqual([reply.status, reply.body['code']], [409, 'outcome_unknown'])
    assert.match(String(reply.body['detail']), /with a new key/)
  }
  assert.equal(effects.get('probe'), 1)
})

test('a claim of another process that may still be alive is waited for', async () => {
  const { key, key_id, tenant_id } = await tenantWithKey(served)
  await ask(key, 'probe', { name: 'probe-2' })
  const fingerprint = await fingerprintOf(tenant_id, 'probe')
  await beginOnce(
    served.app,
    { tenant_id, actor: key_id, key: 'live-1', fingerprint, process_id: randomUUID() },
    () => false,
  )
  const reply = await ask(key, 'live-1', { name: 'probe-2' })
  assert.deepEqual([reply.status, reply.body['code']], [409, 'request_in_progress'])
})

const fingerprintOf = (tenant_id: string, key: string): Promise<Buffer> =>
  inTenant(served.app.db, tenant_id, async (tx) => {
    const { fingerprint } = await tx
      .selectFrom('idempotency_key')
      .select('fingerprint')
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    return fingerprint
  })

test('the answer is kept sealed', async () => {
  const { key, tenant_id } = await tenantWithKey(served)
  const { body } = await ask(key, 'sealed-1', { name: 'sealed' })
  const { answer } = await inTenant(served.app.db, tenant_id, (tx) =>
    tx.selectFrom('idempotency_key').select('answer').where('key', '=', 'sealed-1').executeTakeFirstOrThrow(),
  )
  assert.ok(answer && answer.length > 50)
  const secret = String(body['secret'])
  assert.ok(!answer.includes(secret) && !answer.includes(Buffer.from(secret).toString('base64').slice(4, 20)))
})

test('after a day a key is as good as new, and its row is deleted', async () => {
  const { key, tenant_id } = await tenantWithKey(served)
  await ask(key, 'old-1', { name: 'old' })
  const later = {
    ...served.app,
    clock: { ...served.app.clock, now: () => new Date(Date.now() + 25 * 3_600_000) },
  }
  await inTenant(served.app.db, tenant_id, (tx) =>
    tx
      .updateTable('idempotency_key')
      .set({ created_at: new Date(Date.now() - 25 * 3_600_000) })
      .where('key', '=', 'old-1')
      .execute(),
  )
  const again = await ask(key, 'old-1', { name: 'old', slow_ms: 1 }) // another body is no conflict any more
  assert.deepEqual([again.status, effects.get('old')], [201, 2])
  assert.ok((await forgetOldAnswers(later)) >= 1)
  assert.equal(await forgetOldAnswers(later), 0)
})

test('a key that is empty, too long or holds spaces is refused by name', async () => {
  const { key } = await tenantWithKey(served)
  for (const bad of ['', 'a b', 'x'.repeat(256), 'ção']) {
    const reply = await ask(key, bad, { name: 'bad' })
    assert.deepEqual([reply.status, reply.body['field']], [400, 'idempotency-key'])
  }
  assert.equal(effects.has('bad'), false)
})
