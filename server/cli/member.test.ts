import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '../modules/people/routes.ts'
import { dataFolder, trilho } from '../test/cli.ts'
import { testDatabaseUrl } from '../test/harness.ts'
import { serve } from '../test/http_app.ts'
import { browserOf, fails, PASSWORD, tokenOf } from '../test/person.ts'

test('who holds the machine makes links for the first administrator and for a forgotten password', async () => {
  const database_url = await testDatabaseUrl()
  const env = {
    DATABASE_URL: database_url,
    TRILHO_DATA_DIR: await dataFolder(),
    TRILHO_PUBLIC_URL: 'https://hub.example.com',
  }
  const served = await serve({ database_url, mount: { rooms: [routes] } })
  const link = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await trilho(['member', 'link', '--json', ...args], env)
    assert.equal(code, 0, err)
    return (JSON.parse(out) as { link: string }).link
  }
  const ana = { name: 'Ana', email: 'ana@example.com', language: 'en' }
  const welcome = (url: string, password: string) =>
    served.send('POST', '/v1/welcome', { body: { ...ana, password, token: tokenOf(url) } })
  const first = await link()
  assert.match(first, /^https:\/\/hub\.example\.com\/#\/welcome\?token=/)
  const before = browserOf(served, await welcome(first, PASSWORD))

  const again = await trilho(['member', 'link'], env)
  assert.deepEqual([again.code, again.out], [2, ''])
  assert.match(again.err, /--email/)
  const nobody = await trilho(['member', 'link', '--email', 'eve@example.com'], env)
  assert.equal(nobody.code, 3, nobody.err)

  const reset = await link('--email', 'Ana@example.com')
  const after = browserOf(served, await welcome(reset, 'a password I remember'))
  assert.equal(after.session['is_administrator'], true)
  await fails(before.send('GET', '/v1/session'), 401, 'unauthenticated')
  await fails(welcome(reset, PASSWORD), 404, 'not_found')
  const body = { email: 'ana@example.com', password: PASSWORD }
  await fails(served.send('POST', '/v1/session', { body }), 401, 'unauthenticated')
})
