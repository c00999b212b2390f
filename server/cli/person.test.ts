import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { routes } from '../modules/people/routes.ts'
import { trilho } from '../test/cli.ts'
import { adminKey, type Served, serve } from '../test/http_app.ts'
import { type Browser, fails, firstPerson, invite, PASSWORD, until } from '../test/person.ts'

let served: Served
let bia: Browser
let env: Record<string, string>

before(async () => {
  served = await serve({ mount: { rooms: [routes] } })
  env = { TRILHO_URL: served.url, TRILHO_API_KEY: await adminKey(served) }
  const ana = await firstPerson(served)
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Padaria Central' } })
  bia = await invite(served, ana, 'bia@example.com', 'operator', String(body['id']))
})

test('people are listed with their places by the command line, and one is found by the e-mail', async () => {
  const { out } = await trilho(['person', 'list'], env)
  assert.match(out, /^prs_\w+ +active +off +\S+ +bia@example\.com +\S+ +Padaria Central \(operator\)$/m)
  const [one, ...more] = JSON.parse(
    (await trilho(['person', 'list', '--email', 'Bia@example.com', '--json'], env)).out,
  ).data
  assert.deepEqual([one.email, more], ['bia@example.com', []])
})

test('somebody is signed out, stopped and let in again by the command line', async () => {
  const done = await trilho(['person', 'sign-out', 'bia@example.com'], env)
  assert.match(done.out, /^sessions +0$/m, done.err)
  await until(async () => (await bia.send('GET', '/v1/session')).status === 401)
  const id = /^id +(prs_\w+)$/m.exec(done.out)?.[1] ?? ''
  assert.match((await trilho(['person', 'suspend', id], env)).out, /^state +suspended$/m)
  const body = { email: 'bia@example.com', password: PASSWORD }
  await fails(served.send('POST', '/v1/session', { body }), 403, 'forbidden')
  assert.match((await trilho(['person', 'restore', id], env)).out, /^state +active$/m)
  assert.match((await trilho(['person', 'reset-second-factor', id], env)).out, /^has_totp +false$/m)
  assert.equal((await served.send('POST', '/v1/session', { body })).status, 200)
  const last = await trilho(['person', 'suspend', 'ana@example.com'], env)
  assert.deepEqual([last.code, last.out], [3, ''])
  assert.match(last.err, /conflict, 409/)
  assert.equal((await trilho(['person', 'suspend', 'eve@example.com'], env)).code, 3)
})
