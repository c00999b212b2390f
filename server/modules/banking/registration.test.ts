import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Bank, startBank } from '../../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from '../../test/bank_customer.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** A company that registers itself at a bank, and then asks there as the client it has become. */
let product: Product
let bank: Bank
let redirect_uri: string
before(async () => {
  product = await startProduct()
  product.app.config.public_url = product.url
  redirect_uri = `${product.url}/oauth/callback`
  bank = await startBank({ redirect_uri, ispb: '99999003' })
  undoAfter(() => bank.stop())
})

const certificates = () => {
  const { certificate, certificate_key } = bank.registration
  return { certificate, certificate_key, certificate_authority: bank.authority }
}

async function newConnection(): Promise<string> {
  const { id } = await product.api.ok('POST', '/v1/connections', {
    ...{ provider: 'open_finance_registration', name: 'At the bank', environment: 'development' },
    settings: { base_url: bank.issuer, registration_path: '/reg' },
    credentials: certificates(),
  })
  return String(id)
}

const client = (more: Json = {}): Json => ({
  software_statement: bank.directory.statement(),
  redirect_uris: [redirect_uri],
  jwks_uri: bank.directory.jwks_uri,
  application_type: 'native', // the callback of a test is on this machine
  ...more,
})

const call = (connection: string, operation: string, input: Json = {}): Promise<Json> =>
  product.api.ok('POST', `/v1/connections/${connection}/calls`, { operation, input })

async function registered() {
  const connection = await newConnection()
  const made = await call(connection, 'register_client', client())
  assert.equal(made['state'], 'succeeded', JSON.stringify(made))
  const result = made['result'] as Record<string, string>
  const { client_id = '', registration_access_token, registration_client_uri = '' } = result
  await product.api.ok('PATCH', `/v1/connections/${connection}`, {
    settings: {
      ...{ base_url: bank.issuer, registration_path: '/reg', registered: true },
      client_path: new URL(registration_client_uri).pathname,
    },
    credentials: { ...certificates(), registration_access_token },
  })
  return { connection, client_id, call_id: String(made['id']), registration_access_token }
}

test('a company registers itself, and a person agrees at the bank to the client it became', async () => {
  const { client_id } = await registered()
  assert.notEqual(client_id, bank.registration.client_id)
  const { settings, credentials } = connectionTo(bank)
  const { id } = await product.api.ok('POST', '/v1/banks', {
    ...{ user_id: 'ana', name: bank.name, bank_code: bank.ispb, provider: 'open_finance', schedule: null },
    settings,
    credentials: { ...credentials, client_id },
  })
  const consent = await product.api.ok('POST', `/v1/banks/${id}/consents`, { document: '52998224725' })
  const page = await bringBack(await decide(String(consent['redirect_url']), bank, 'approve'))
  assert.equal(page.status, 200)
  const until = performance.now() + 180_000
  const state = async () => (await product.api.ok('GET', `/v1/bank-consents/${consent['id']}`))['state']
  while ((await state()) !== 'AUTHORISED') {
    if (performance.now() > until) throw new Error('the consent was not authorised within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
})

test('a registration is read, changed and ended by its own token, which is on no record', async () => {
  const { connection, client_id, call_id, registration_access_token } = await registered()
  const read = (await call(connection, 'read_client'))['result'] as Json
  assert.equal(read['client_id'], client_id)
  const changed = await call(connection, 'update_client', { client_id, ...client({ client_name: 'Other' }) })
  assert.equal(changed['state'], 'succeeded', JSON.stringify(changed))
  const record = JSON.stringify(await product.api.ok('GET', `/v1/calls/${call_id}`))
  assert.ok(registration_access_token && !record.includes(registration_access_token))
  assert.doesNotMatch(record, /eyJ/, 'no software statement either')
  assert.equal((await call(connection, 'delete_client'))['state'], 'succeeded')
  const gone = await call(connection, 'read_client')
  assert.deepEqual([gone['state'], (gone['refusal'] as Json)['reason']], ['refused', 'credentials_refused'])
})

test('what a bank refuses to register is said in its words', async () => {
  const connection = await newConnection()
  const { directory } = bank
  for (const [wrong, words] of [
    [{ software_statement: directory.statement({ forged: true }) }, /not signed by the directory/],
    [{ software_statement: directory.statement({ issued_ago_s: 600 }) }, /older than five minutes/],
    [{ redirect_uris: [`${redirect_uri}/elsewhere`] }, /not in the software_statement/],
    [{ jwks_uri: 'https://keystore.directory.example/other.jwks' }, /not that of the software_statement/],
  ] as const) {
    const made = await call(connection, 'register_client', client(wrong as Json))
    assert.equal(made['state'], 'refused', JSON.stringify(made))
    assert.match(String((made['refusal'] as Json)['message']), words)
  }
})
