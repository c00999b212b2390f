import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import Stripe from 'stripe'
import { dataFolder, launch, startServer, trilho } from '../test/cli.ts'
import { testDatabaseUrl, undoAfter } from '../test/harness.ts'
import { freePort } from '../test/ports.ts'
import { commandsIn, run, toProgram } from './cli.ts'
import type { Io } from './output.ts'

const server = await startServer({
  DATABASE_URL: await testDatabaseUrl(),
  TRILHO_DATA_DIR: await dataFolder(),
})
const { url, admin_key, demo } = server
const KEY = { TRILHO_URL: url, TRILHO_API_KEY: demo['API'] ?? '' }
const ADMIN = { TRILHO_URL: url, TRILHO_API_KEY: admin_key }
const { Connection: connection = '', Source: source_url = '', Subscription: subscription = '' } = demo
const source = source_url.split('/').at(-1) ?? ''
const SECRET = 'whsec_demo_sandbox_signing_secret'
const NO_SUCH = '00000000000000000000000000'

/** Prints into memory: for help, which needs no process of its own. */
function recorder(): { io: Io; text: () => string } {
  const lines: string[] = []
  const add = (line: string) => void lines.push(line)
  const io: Io = {
    out: add,
    err: add,
    bytes: () => {},
    paint: (_style, words) => words,
    stdin: async () => '',
    lines: async function* () {},
    stopped: () => AbortSignal.abort(),
    outlive: () => {},
  }
  return { io, text: () => lines.join('\n') }
}

test('every command has a page of help with an example, --json and what exit codes mean', async () => {
  const commands = commandsIn(await toProgram(recorder().io))
  assert.ok(commands.length >= 25)
  for (const command of commands) {
    const words: string[] = []
    for (let at: typeof command | null = command; at?.parent; at = at.parent) words.unshift(at.name())
    const { io, text } = recorder()
    assert.equal(await run([...words, '--help'], io), 0)
    for (const wanted of ['Examples:', `$ trilho ${words[0]}`, '--json', 'Exit codes: 0 done, 1 failed'])
      assert.ok(text().includes(wanted), `${words.join(' ')}: ${wanted} in ${text()}`)
  }
})

test('the exit code says whether it was misused, refused, or nobody answered; errors go to stderr', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`
  const processes: [number, RegExp, string[]][] = [
    [2, /unknown option '--nope'/, ['key', 'list', '--nope']],
    [3, /not_found, 404/, ['connection', 'show', `con_${NO_SUCH}`]],
    [4, /No server answers at .*ECONNREFUSED/, ['connection', 'list', '--url', nobody]],
  ]
  await Promise.all(
    processes.map(async ([code, message, args]) => {
      const ended = await trilho(args, KEY)
      assert.deepEqual([ended.code, ended.out], [code, ''], ended.err)
      assert.match(ended.err, message)
    }),
  )
  const key = ['--url', url, '--key', KEY.TRILHO_API_KEY]
  const others: [number, RegExp, string[]][] = [
    [2, /unknown command/, ['nope']],
    [2, /No API key is known/, ['connection', 'list', '--url', url]],
    [
      2,
      /^(?!.*trl_)[\s\S]*The API key holds a space, a line break/,
      ['connection', 'list', '--url', url, '--key', `trl_test_${NO_SUCH}\nb`],
    ],
    [2, /TRILHO_URL must be/, ['connection', 'list', '--url', 'hub']],
    [2, /cannot be replayed/, ['replay', `evt_${NO_SUCH}`, ...key]],
    [2, /neither a port nor a URL/, ['listen', source, '::', ...key]],
    [2, /Name the path too/, ['call', connection, 'get', ...key]],
    [2, /--last <n>' argument 'x' is invalid\. A whole number is wanted/, ['tail', '--last', 'x', ...key]],
    [2, /--expires-in.* argument '1h'/, ['payment', 'create', connection, '1', '--expires-in', '1h', ...key]],
    [2, /--every.* argument 'x'/, ['connection', 'health', connection, '--every', 'x', ...key]],
    [2, /--data is no JSON/, ['event', 'publish', 'payment.completed', '--data', '{', ...key]],
    [2, /--kind nope is none of/, ['tail', '--kind', 'nope', ...key]],
    [3, /unauthenticated, 401/, ['connection', 'list', '--url', url, '--key', `trl_test_${NO_SUCH}`]],
    [3, /forbidden, 403/, ['tenant', 'list', ...key]],
    [3, /Here: --tenant or TRILHO_TENANT/, ['connection', 'list', '--url', url, '--key', admin_key]],
  ]
  for (const [code, message, args] of others) {
    const { io, text } = recorder()
    assert.equal(await run(args, io), code, text())
    assert.match(text(), message)
  }
})

test('with --json an error is JSON on stderr, with the code of the problem', async () => {
  const { code, err } = await trilho(['source', 'show', `src_${NO_SUCH}`, '--json'], KEY)
  assert.equal(code, 3)
  assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, 'not_found')
})

test('a setting that is wrong and a port that is taken end the start with one line and no 0', async () => {
  const env = { DATABASE_URL: await testDatabaseUrl(), TRILHO_DATA_DIR: await dataFolder() }
  const [wrong, taken] = await Promise.all([
    trilho(['start', '--port', 'abc'], env),
    trilho(['start', '--port', new URL(url).port, '--no-demo'], env),
  ])
  assert.deepEqual([wrong.code, wrong.err.trim().split('\n').length], [2, 1], wrong.err)
  assert.match(wrong.err, /TRILHO_PORT must be a whole number, not "abc"/)
  assert.equal(taken.code, 1)
  assert.match(taken.err, /^Port \d+ on 127\.0\.0\.1 is in use\..*\n$/)
})

test('an administrator makes a tenant and its keys, and a revoked key is refused', async () => {
  const made = await trilho(['tenant', 'create', 'Padaria Central', '--json'], ADMIN)
  const tenant = JSON.parse(made.out) as { id: string; name: string }
  assert.equal(tenant.name, 'Padaria Central')
  const list = await trilho(['tenant', 'list'], ADMIN)
  assert.match(list.out, new RegExp(`^ID .*NAME\n${tenant.id} .*Padaria Central$`, 'm'))

  const args = ['key', 'create', 'Shop', '--live', '--scope', 'connections:read', '--json']
  const key = JSON.parse((await trilho([...args, '--tenant', tenant.id], ADMIN)).out) as {
    id: string
    key: string
  }
  const as_shop = { TRILHO_URL: url, TRILHO_API_KEY: key.key }
  assert.equal(
    (await trilho(['connection', 'list', '--json'], as_shop)).out,
    '{\n  "data": [],\n  "next_cursor": null\n}\n',
  )
  assert.equal((await trilho(['source', 'list'], as_shop)).code, 3)

  const revoked = await trilho(['key', 'revoke', key.id, '--tenant', tenant.id], ADMIN)
  assert.equal(revoked.out, `${key.id} is revoked\n`)
  assert.equal((await trilho(['connection', 'list'], as_shop)).code, 3)
})

test('connections, sources and subscriptions are made, shown and deleted, and secrets come from a file or stdin', async () => {
  const at = ['--setting', `base_url=${url}/sandbox/echo`]
  const made = await trilho(
    ['connection', 'create', 'stripe', ...at, '--credential', 'secret_key=-', '--json'],
    KEY,
    'sk_test_from_stdin\n',
  )
  const { id, credentials } = JSON.parse(made.out) as { id: string; credentials: string[] }
  assert.deepEqual(credentials, ['secret_key'])
  assert.ok(!made.out.includes('sk_test'))
  assert.match((await trilho(['connection', 'show', id], KEY)).out, /^provider +stripe$/m)
  assert.match((await trilho(['connection', 'get', id], KEY)).out, /^provider +stripe$/m)
  const away = ['connection', 'create', 'http', '--setting', 'base_url=http://127.0.0.1:1']
  const tried = await trilho(away, KEY)
  assert.deepEqual([tried.code, /^id +con_/m.test(tried.out)], [0, true], tried.err)
  assert.match(tried.err, /not yet .*was not reached.*\n[\s\S]* no reach: /)
  assert.doesNotMatch((await trilho([...away, '--no-test'], KEY)).err, /not yet/)
  assert.equal((await trilho(['connection', 'delete', id], KEY)).out, `${id} is deleted\n`)
  assert.equal((await trilho(['connection', 'show', id], KEY)).code, 3)

  const [own, hook] = await Promise.all([
    trilho(['source', 'create', 'stripe', '--secret', 'whsec_of_the_shop', '--json'], KEY),
    trilho(
      [
        ...['subscription', 'create', `${url}/sandbox/bin/two`, '--event', 'payment.*', '--json'],
        ...['--payload', '{"template":{"is":"{{type}}"}}', '--weight', '3'],
      ],
      KEY,
    ),
  ])
  assert.equal((JSON.parse(own.out) as { secrets: number }).secrets, 1)
  const unnamed = await trilho(['sandbox', 'send'], KEY)
  assert.equal(unnamed.code, 2)
  assert.ok(unnamed.err.includes(`\n  trilho sandbox send ${source}   `), unnamed.err)
  const hooked = JSON.parse(hook.out) as { id: string; event_types: string[]; secret: string; weight: number }
  assert.deepEqual([hooked.event_types, hooked.weight], [['payment.*'], 3])
  const preview = ['subscription', 'preview', hooked.id, '--type', 'payment.completed']
  assert.equal((await trilho(preview, KEY)).out, '{"is":"payment.completed"}\n')
  assert.equal((await trilho(['subscription', 'secret', hooked.id], KEY)).out, `${hooked.secret}\n`)
  await Promise.all([
    trilho(['source', 'delete', (JSON.parse(own.out) as { id: string }).id], KEY),
    trilho(['subscription', 'delete', hooked.id], KEY),
  ])
  assert.ok(!(await trilho(['source', 'list'], KEY)).out.includes('whsec_of_the_shop'))
})

test('a source is made with its options and changed, and says of options that are no JSON what is wrong', async () => {
  const limit = { requests: 600, per_s: 60 }
  const options = ['--options', JSON.stringify({ rate_limit: limit, body_limit_bytes: 2048 })]
  const made = await trilho(
    ['source', 'create', 'stripe', '--secret', 'whsec_one', ...options, '--json'],
    KEY,
  )
  type Shown = { id: string; name: string; state: string; secrets: number; options: Record<string, unknown> }
  const { id, options: set } = JSON.parse(made.out) as Shown
  assert.deepEqual([set['rate_limit'], set['body_limit_bytes']], [limit, 2048])
  const change = ['--name', 'Shop', '--state', 'disabled', '--secret', 'whsec_two', '--secret', 'whsec_one']
  const changed = await trilho(
    ['source', 'update', id, ...change, '--options', '{"rate_limit":null}', '--json'],
    KEY,
  )
  const shown = JSON.parse(changed.out) as Shown
  assert.deepEqual([shown.name, shown.state, shown.secrets], ['Shop', 'disabled', 2])
  assert.deepEqual([shown.options['rate_limit'], shown.options['body_limit_bytes']], [null, 2048])
  const wrong = await trilho(['source', 'update', id, '--options', '{order}'], KEY)
  assert.deepEqual([wrong.code, /--options is no JSON/.test(wrong.err)], [2, true], wrong.err)
  await trilho(['source', 'delete', id], KEY)
})

test("a call prints the vendor's answer to the digit on stdout and how it went on stderr", async () => {
  const made = await trilho(
    [
      'connection',
      'create',
      'http',
      '--setting',
      `base_url=${url}/sandbox/echo`,
      '--setting',
      'auth=none',
      '--json',
    ],
    KEY,
  )
  assert.equal(made.code, 0, made.err)
  const { id } = JSON.parse(made.out) as { id: string }
  const sent = '{"amount": 12.50, "id": 12345678901234567890}'
  const { code, out, err } = await trilho(
    ['call', id, 'post', '/anything', '--data', '-', '--raw'],
    KEY,
    sent,
  )
  assert.equal(code, 0, err)
  assert.ok(out.includes(JSON.stringify(sent).slice(1, -1)) || out.includes(sent), out)
  assert.match(err, /^call_\w+ succeeded, 200, 1 attempt, \d+ ms\n$/)
})

test('a call that the vendor refuses ends with 1, and its answer is still printed', async () => {
  const { code, out, err } = await trilho(['call', connection, 'GET', '/v1/nope'], KEY)
  assert.equal(code, 1)
  assert.match(out, /invalid_request_error/)
  assert.match(err, /refused, 404[\s\S]*trilho: the vendor answered 404/)
  const tested = await trilho(['connection', 'test', connection], KEY)
  assert.deepEqual([tested.code, tested.out.slice(0, 3)], [0, 'ok '])
})

test('calls are taken away as CSV and as JSON lines', async () => {
  const made = await trilho(['call', connection, 'GET', '/v1/balance', '--json'], KEY)
  const { id } = JSON.parse(made.out) as { id: string }
  const csv = await trilho(['call', 'export', '--connection', connection, '--method', 'GET'], KEY)
  assert.equal(csv.code, 0, csv.err)
  assert.match(
    csv.out,
    new RegExp(`^id,connection_id,[\\s\\S]*\n${id},${connection},,GET,/v1/balance,succeeded,200,`),
  )
  const lines = await trilho(['call', 'export', '--format', 'jsonl', '--cursor', id], KEY)
  assert.ok(
    lines.out.split('\n').every((line) => line === '' || (JSON.parse(line) as { id: string }).id < id),
  )
  assert.equal((await trilho(['call', 'export', '--status', 'all'], KEY)).code, 3)
})

test("a connection's health, limits and cache, the figures, operations and batches each have a command", async () => {
  const json = async (...args: string[]) => {
    const { code, out, err } = await trilho([...args, '--json'], KEY)
    assert.equal(code, 0, err)
    return JSON.parse(out) as Record<string, unknown>
  }
  const made = await json('connection', 'create', 'http', '--setting', `base_url=${url}/sandbox/echo`)
  const id = String(made['id'])
  const stored = '{"method":"GET","path":"/anything/{n}","query":{"big":12345678901234567890}}'
  await json('operation', 'set', id, 'things.read', '--data', '{"method":"GET","path":"/anything"}')
  assert.equal((await json('operation', 'set', id, 'things.read', '--data', stored))['version'], 2)
  assert.match((await trilho(['operation', 'list', id], KEY)).out, /^things\.read +stored +enabled/m)

  const calls = JSON.stringify([
    { operation: 'things.read', input: { n: 1 } },
    { method: 'GET', path: '/status/404' },
  ])
  const { code, out, err } = await trilho(['batch', 'run', id, '-', '--concurrency', '1'], KEY, calls)
  assert.match(out, /^bat_\w+ completed: 1 succeeded, 1 refused of 2\n$/)
  assert.match(err, /of 2\n[\s\S]*Not all succeeded: trilho batch calls bat_/)
  assert.equal(code, 1)
  const batch = out.split(' ')[0] ?? ''
  assert.match((await trilho(['batch', 'calls', batch], KEY)).out, /refused +404 +1 /)

  const extra = ['--setting', 'default_headers={"x-shop":"1"}']
  await json('connection', 'update', id, '--setting', `base_url=${url}/sandbox/echo`, ...extra)
  assert.match((await trilho(['call', id, 'GET', '/headers'], KEY)).out, /"x-shop":"1"/)
  assert.match((await trilho(['provider', 'show', 'http'], KEY)).out, /^base_url +--setting +yes/m)
  await json('connection', 'update', id, '--limits', '{"rates":[{"calls":7,"per_s":60}]}')
  assert.match((await trilho(['connection', 'limits', id], KEY)).out, /7 calls in 60 s/)
  const health = await json('connection', 'health', id, '--every', 'never', '--path', '/status/204')
  assert.deepEqual((health['checks'] as Record<string, unknown>)['every_s'], null)
  await json('connection', 'cache', id, '--policies', '[{"path":"*","strategy":"time_based"}]')
  for (let n = 0; n < 2; n++) await trilho(['call', id, 'GET', '/anything/kept'], KEY)
  assert.match((await trilho(['call', id, 'GET', '/anything/kept'], KEY)).err, /from the cache, \d+ s old/)
  assert.equal(
    (await trilho(['connection', 'purge', id, '--path', '/anything/*'], KEY)).out,
    '1 answer dropped\n',
  )
  assert.equal((await trilho(['metrics', '--connection', id], KEY)).code, 0)
  assert.match((await trilho(['connection', 'authorize', id], KEY)).err, /needs nobody to authorize it/)
})

test('tail follows a webhook through message, event and delivery, and ends with 0 on an interrupt', async () => {
  const tail = launch(['tail', '--json', '--last', '0'], KEY)
  const people = launch(['tail', '--kind', 'message', '--source', source, '--last', '1'], KEY)
  const follows = (_out: string, err: string) => err.includes('Following')
  await Promise.all([tail.until(follows), people.until(follows)])
  const began = new Date().toISOString()
  const sent = await trilho(
    ['sandbox', 'send', source, '--count', '2', '--duplicate', '1', '--bad-signature', '1'],
    KEY,
  )
  assert.equal(sent.code, 0, sent.err)
  assert.match(sent.out, /^3 of 4 posts .* were taken {"200":3,"401":1}$/m)
  // Of what the tests before this one left behind some may end only now; each list is asked by itself, in no order.
  const told = (out: string): Record<string, number> => {
    const lines = out.slice(0, out.lastIndexOf('\n') + 1).split('\n')
    const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, string>)
    const count = (kind: string, state?: string) =>
      new Set(
        rows
          .filter((row) => row['kind'] === kind && (state === undefined || row['state'] === state))
          .filter(({ received_at, created_at }) => String(received_at ?? created_at) >= began)
          .map(({ id }) => id),
      ).size
    const [message, refused, event] = [count('message'), count('refused'), count('event')]
    return { message, refused, event, delivered: count('delivery', 'delivered') }
  }
  const all = { message: 2, refused: 1, event: 2, delivered: 2 }
  await tail.until((out) => Object.entries(all).every(([what, n]) => (told(out)[what] ?? 0) >= n))
  await people.until((out) => (out.match(/ message {2}completed /g) ?? []).length >= 2)
  const [ended, also] = await Promise.all([tail.stop('SIGINT'), people.stop('SIGINT')])
  assert.deepEqual([ended.code, also.code], [0, 0])
  assert.deepEqual(told(ended.out), all)
  assert.ok(!also.out.includes('\x1b'), 'piped, so without colours')
})

test('listen forwards the bytes and headers, so that the signature of the vendor still verifies', async () => {
  const stripe = new Stripe('sk_test_unused')
  const verified: string[] = []
  const receiver = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const signature = request.headers['stripe-signature'] ?? ''
      verified.push(stripe.webhooks.constructEvent(Buffer.concat(parts), signature, SECRET).type)
      response.writeHead(204).end()
    })
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => receiver.once('listening', listening))
  undoAfter(async () => receiver.close())
  const { port } = receiver.address() as AddressInfo

  const listening = launch(['listen', source, `127.0.0.1:${port}/hooks`, '--json'], KEY)
  await listening.until((_out, err) => err.includes('Forwarding'))
  const types = ['payment_intent.created', 'payment_intent.succeeded']
  await trilho(['sandbox', 'send', source, ...types.flatMap((type) => ['--event', type])], KEY)
  await listening.until((out) => out.split('\n').length === 3)
  const { code, out } = await listening.stop('SIGTERM')
  assert.equal(code, 0)
  assert.deepEqual(verified.sort(), types)
  assert.ok(
    out
      .split('\n')
      .filter(Boolean)
      .every((line) => (JSON.parse(line) as { status: number }).status === 204),
  )
})

test('listen forwards how a source was called: method, what stood behind its address, and query', async () => {
  const heard: string[] = []
  const receiver = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => response.writeHead(204).end())
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => receiver.once('listening', listening))
  undoAfter(async () => receiver.close())
  const { port } = receiver.address() as AddressInfo
  const settings = ['--setting', 'signature=token', '--setting', 'signature_header=x-token']
  const made = await trilho(['source', 'create', 'http', '--secret', 'a-token', ...settings, '--json'], KEY)
  const { id, url: address } = JSON.parse(made.out) as { id: string; url: string }
  const key = { authorization: `Bearer ${KEY.TRILHO_API_KEY}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ options: { methods: ['GET', 'POST', 'PUT'] } })
  assert.equal((await fetch(`${url}/v1/sources/${id}`, { method: 'PATCH', headers: key, body })).status, 200)
  const tell = async (method: string, behind: string) => {
    const headers = { 'x-token': 'a-token', 'content-type': 'application/json' }
    const sent = { method, headers, ...(method !== 'GET' && { body: JSON.stringify({ behind }) }) }
    assert.equal((await fetch(address + behind, sent)).status, 200)
  }
  const listening = launch(['listen', id, `127.0.0.1:${port}/hooks?dev=1`], KEY)
  await listening.until((_out, err) => err.includes('Forwarding'))
  await tell('POST', '')
  await tell('POST', '/orders?shop=7&shop=8')
  await tell('PUT', '?shop=9')
  await tell('GET', '?paid=yes')
  await listening.until((out) => out.split('\n').length === 5)
  await listening.stop('SIGTERM')
  assert.deepEqual(heard, [
    'POST /hooks?dev=1',
    'POST /hooks/orders?dev=1&shop=7&shop=8',
    'PUT /hooks?dev=1&shop=9',
    'GET /hooks?dev=1&paid=yes',
  ])
  const by_query = [
    'source',
    'create',
    'http',
    '--secret',
    'a-token',
    '--setting',
    'signature=query_token',
    '--json',
  ]
  const secret = JSON.parse((await trilho(by_query, KEY)).out) as { id: string; url: string }
  await fetch(`${url}/v1/sources/${secret.id}`, { method: 'PATCH', headers: key, body })
  assert.equal((await fetch(`${secret.url}?token=a-token&paid=no`)).status, 200)
  const last = launch(['listen', secret.id, `127.0.0.1:${port}/hooks`, '--last', '1'], KEY)
  await last.until((out) => out.split('\n').length === 2)
  await last.stop('SIGTERM')
  assert.equal(heard.at(-1), 'GET /hooks?paid=no', 'what was asked, without the secret, which is not kept')
})

test('an import of event types that is tried says that nothing was done, and nothing was', async () => {
  const file = join(await dataFolder(), 'vendor.json')
  const schema = { type: 'object', properties: { order: { type: 'string' } } }
  const post = { summary: 'Paid', requestBody: { content: { 'application/json': { schema } } } }
  await writeFile(file, JSON.stringify({ openapi: '3.1.0', webhooks: { 'order.tried': { post } } }))
  const tried = await trilho(['event', 'import', file, '--dry-run'], KEY)
  assert.equal(tried.code, 0, tried.err)
  assert.match(tried.out, /order\.tried +created +1/)
  assert.match(tried.err, /A dry run: this is what would be done; nothing was\./)
  const types = await trilho(['event', 'types', '--typescript'], KEY)
  assert.ok(types.out.includes('payment.completed') && !types.out.includes('order.tried'), types.out)
})

test('an event type is defined, its event published, and its delivery replayed by its id', async () => {
  const defined = await trilho(
    ['event', 'define', 'order.shipped', '--description', 'An order left the house'],
    KEY,
  )
  assert.equal(defined.code, 0, defined.err)
  const sent = await trilho(
    ['event', 'publish', 'order.shipped', '--data', '-', '--entity', 'A-17', '--json'],
    KEY,
    '{"weight": 12.50}',
  )
  assert.equal(sent.code, 0, sent.err)
  assert.equal((JSON.parse(sent.out) as { deliveries: number }).deliveries, 1, sent.err)
  const tail = launch(['tail', '--subscription', subscription, '--state', 'delivered', '--json'], KEY)
  await tail.until((out) => out.includes('"attempts":1') && out.endsWith('\n'))
  const { id } = JSON.parse(tail.out().split('\n').at(-2) ?? '') as { id: string }
  const replayed = await trilho(['replay', id], KEY)
  assert.deepEqual([replayed.code, replayed.out], [0, `${id} is on its way again\n`])
  await tail.until((out) =>
    out.split('\n').some((line) => line.includes(id) && line.includes('"attempts":2')),
  )
  await tail.stop('SIGINT')
})

test('sandbox runs the simulated vendors alone and ends when told to', async () => {
  const alone = launch(['sandbox', '--port', '0', '--json'])
  await alone.until((out) => out.endsWith('}\n'))
  const { Stripe: stripe } = JSON.parse(alone.out()) as { Stripe: string }
  const reply = await fetch(`${stripe}/v1/balance`, { headers: { authorization: 'Bearer sk_test_x' } })
  assert.equal(reply.status, 200)
  const to_it = [
    'sandbox',
    'send',
    '--to',
    `${new URL(stripe).origin}/bin/one`,
    '--sandbox',
    new URL(stripe).origin,
  ]
  assert.equal((await trilho(to_it)).code, 0)
  assert.equal((await alone.stop('SIGTERM')).code, 0)
  assert.equal((await trilho(to_it)).code, 4)
})

test('the server that trilho start runs ends with 0 on SIGTERM', async () => {
  const other = await startServer({
    DATABASE_URL: await testDatabaseUrl(),
    TRILHO_DATA_DIR: await dataFolder(),
  })
  assert.match(other.admin_key, /^trl_admin_/)
  assert.equal((await fetch(`${other.url}/ready`)).status, 200)
  const { code } = await other.stop('SIGTERM')
  assert.equal(code, 0)
  await assert.rejects(fetch(`${other.url}/ready`))
})
