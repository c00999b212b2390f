import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { firstLink } from '../modules/people/people.ts'
import { ERRORS } from '../platform/errors.ts'
import type { Base, Shot } from './fuzz/shot.ts'
import { shots } from './fuzz/spoil.ts'
import { idsFor, idsOf } from './isolation/routes.ts'
import { quoted, readTables, TALLIES } from './world/catalog.ts'
import { type Answer, exchange } from './world/raw_http.ts'
import { fillTables, makeWorld, ok, stripeHeaders, type World } from './world/world.ts'

/**
 * Bad input, made from the OpenAPI document: whatever is sent, the answer is a clear 4xx that says what is wrong, never
 * a failure of ours, and a refused request has written nothing.
 *
 *   FUZZ_SEED=7 FUZZ_SECONDS=600 npm test -- fuzz
 *
 * The seed is fixed, so that a change is judged by what it changed; another seed looks elsewhere.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 15)
const BODY_LIMIT = 200_000

/** They keep what was refused, or are written by refusals on purpose. */
const KEPT_OF_REFUSALS = ['idempotency_key', 'quarantine', 'security_event', 'sign_in_failure']

let world: World
let base: Base
let counting: string

before(async () => {
  world = await makeWorld({
    TRILHO_API_BODY_LIMIT: String(BODY_LIMIT),
    TRILHO_WEBHOOK_BODY_LIMIT: String(BODY_LIMIT),
  })
  await world.stopWorkers()
  await fillTables(world)
  // The key that signs access tokens is made when the first one comes by.
  await world.send('GET', '/v1/keys', { key: 'eyJhbGciOiJub25lIn0.e30.none' })
  const ids = await idsOf(world, world.a)
  base = {
    key: await freshKey(world),
    admin_key: world.admin_key,
    portal_token: await portalToken(world),
    session: await sessionHeaders(world),
    tenant: world.a.tenant,
    stranger: world.b.tenant,
    body_limit: BODY_LIMIT,
    ids: (operation) => ({ ...idsFor(operation, ids), ...webhookIds(operation.id) }),
  }
  const tables = (await readTables(world.app.db.owner.pool)).filter(
    ({ name }) => !KEPT_OF_REFUSALS.includes(name),
  )
  counting = tables
    .filter(({ name }) => !TALLIES.includes(name))
    .map(({ name }) => `select '${name}' as name, count(*)::int as n from ${quoted(name)}`)
    .join(' union all ')
})

/** What the browser of somebody who signed in sends. */
async function sessionHeaders({ app, send }: World): Promise<Record<string, string>> {
  const link = await firstLink(app)
  assert.ok(link)
  const json = { name: 'Fuzz', email: 'fuzz@example.com', password: 'a long password', language: 'en' }
  const answer = await send('POST', '/v1/welcome', { json: { ...json, token: link.split('token=')[1] } })
  const [cookie = ''] = String(answer.headers['set-cookie']).split(';')
  return { cookie, 'trilho-csrf': String(answer.body['csrf']) }
}

/** Of a link that no request of ours revokes. */
async function portalToken({ a, send }: World): Promise<string> {
  const json = { customer: `fuzz-${randomUUID()}`, expires_in_s: 86_400 }
  const { url } = await ok(send('POST', '/v1/portal/links', { key: a.live_key, json }))
  return new URL(String(url)).hash.slice(1)
}

/** A key that no request of ours revokes. */
async function freshKey({ a, send }: World): Promise<string> {
  const json = { name: 'Fuzz', environment: 'live', scopes: ['*'] }
  return String((await ok(send('POST', '/v1/keys', { key: a.live_key, json })))['key'])
}

const webhookIds = (id: string): Record<string, string> =>
  id.startsWith('receive') ? { provider: 'stripe', source: world.a.source } : {}

/** Rows of every table that a refused request may not touch. */
async function countRows(): Promise<string> {
  const { rows } = await world.app.db.owner.pool.query(counting)
  return JSON.stringify(rows)
}

async function hold(shot: Shot): Promise<void> {
  const before = await countRows()
  const answer = await exchange(world.url, shot.request)
  const said = `${shot.operation}, ${shot.how}: ${answer.status} ${answer.text.slice(0, 500)}`
  if ('trilho-call-id' in answer.headers) return // the vendor's answer, not ours
  assert.ok(answer.status < 500 || isVendors(answer), `${said}\n${JSON.stringify(world.failures.slice(-1))}`)
  if (shot.expected)
    assert.ok(shot.expected.status.includes(answer.status), `${said}, not ${shot.expected.status}`)
  if (answer.status < 400) return
  assert.equal(await countRows(), before, `${said} has written something`)
  checkProblem(shot, answer, said)
}

function checkProblem({ request, expected }: Shot, { status, headers, body }: Answer, said: string): void {
  if (/^\/(oauth|api)\//.test(request.path)) return // RFC 6749 and published contracts have their own errors
  if (request.method === 'HEAD') return
  assert.match(String(headers['content-type']), /^application\/problem\+json/, said)
  const known = ERRORS[body['code'] as keyof typeof ERRORS]
  assert.equal(known?.status, status, said)
  assert.ok(String(body['detail']).length > 10, said)
  assert.match(String(body['request_id']), /^req_/, said)
  if (status !== 400 && status !== 422) return
  const field = String(body['field'] ?? '')
  assert.ok('field' in body, `${said} names no field`)
  if (typeof expected?.field === 'string') assert.equal(field, expected.field, said)
  else if (expected?.field) assert.match(field, expected.field, said)
}

const isVendors = ({ body }: Answer): boolean => /^vendor_/.test(String(body['code']))

/** Answers by how the process does; and what would sign out the person who asks. */
const LEFT_ALONE = ['metrics', 'ready', 'signOut']

test('every spoiled request meets a clear refusal and leaves nothing behind', async (t) => {
  t.diagnostic(`FUZZ_SEED=${SEED}`)
  const operations = world.operations.filter(({ id }) => !LEFT_ALONE.includes(id))
  const counted = new Map<string, number>()
  const property = fc.asyncProperty(shots(operations, base), async (shot) => {
    counted.set(shot.operation, (counted.get(shot.operation) ?? 0) + 1)
    await hold(shot)
  })
  await fc.assert(property, {
    seed: SEED,
    numRuns: 1_000_000,
    interruptAfterTimeLimit: SECONDS * 1000,
    endOnFailure: true,
    reporter: report,
  })
  t.diagnostic(`${[...counted.values()].reduce((a, b) => a + b, 0)} requests to ${counted.size} operations`)
})

function report(run: fc.RunDetails<[Shot]>): void {
  if (!run.failed || run.interrupted) return
  const [shot] = run.counterexample ?? []
  assert.fail(
    `FUZZ_SEED=${run.seed}\n${String(run.errorInstance)}\n${JSON.stringify(shot, null, 2).slice(0, 3_000)}`,
  )
}

test('a webhook address takes any bytes and never fails', async () => {
  const { b } = world
  const paths = [
    `/webhooks/stripe/${b.source}`,
    '/webhooks/stripe',
    `/webhooks/http/${b.source}`,
    '/webhooks/none',
    '/webhooks/stripe/src_x',
    '/webhooks/%00/%ff',
    '/webhooks/stripe/%F0%9F%92%A5',
  ]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 500 }).map((body) => Buffer.from(body)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .constantFrom(
        '{"id":"\\u0000"}',
        '{"id":"\\ud800"}',
        `{"id":"${'x'.repeat(5_000)}"}`,
        '['.repeat(50_000),
        '{"id":1e999}',
        '{"id":{}}',
      )
      .map((text) => Buffer.from(text)),
  )
  const arrival = fc.record({
    path: fc.constantFrom(...paths),
    body: bytes,
    signed: fc.boolean(),
    type: fc.constantFrom('application/json', 'text/xml', 'x', ''),
  })
  const property = fc.asyncProperty(arrival, async ({ path, body, signed, type }) => {
    const headers = { 'content-type': type, ...(signed && stripeHeaders(body, b.signing_secret)) }
    const { status, text } = await exchange(world.url, { method: 'POST', path, headers, body })
    assert.ok(status < 500, `${path} ${status} ${text} ${JSON.stringify(world.failures.slice(-1))}`)
    if (signed && path === paths[0]) assert.equal(status, 200, text)
  })
  await fc.assert(property, {
    seed: SEED,
    numRuns: 1_000_000,
    interruptAfterTimeLimit: (SECONDS * 1000) / 4,
    endOnFailure: true,
  })
})
