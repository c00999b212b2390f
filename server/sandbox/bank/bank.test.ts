import assert from 'node:assert/strict'
import { createHash, createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { SignJWT } from 'jose'
import { Agent, fetch } from 'undici'
import { parse } from 'yaml'
import { decide } from '../../test/bank_customer.ts'
import { type Bank, startBank } from './bank.ts'

/** The bank, asked by a client written for this test alone: what it refuses, and whether it answers as specified. */
type Json = Record<string, unknown>

const BACK = 'http://127.0.0.1:9/oauth/callback'
const CPF = '52998224725'

let bank: Bank
let ours: Agent
let bare: Agent
before(async () => {
  bank = await startBank({ redirect_uri: BACK })
  const { certificate, certificate_key } = bank.registration
  ours = new Agent({ connect: { ca: bank.authority, cert: certificate, key: certificate_key } })
  bare = new Agent({ connect: { ca: bank.authority } })
})
after(async () => {
  await Promise.all([ours.close(), bare.close(), bank.stop()])
})

const sign = (claims: Json, alg = 'PS256'): Promise<string> =>
  new SignJWT({ jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg, kid: bank.registration.signing_key_id })
    .setIssuer(bank.registration.client_id)
    .setAudience(bank.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('1m')
    .sign(createPrivateKey(bank.registration.signing_key))

async function post(path: string, form: Record<string, string>, { alg = 'PS256', by = ours } = {}) {
  const { client_id } = bank.registration
  const assertion = {
    client_id,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await sign({ sub: client_id }, alg),
  }
  const reply = await fetch(bank.issuer + path, {
    method: 'POST',
    dispatcher: by,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...form, ...assertion }).toString(),
  })
  return { status: reply.status, body: (await reply.json()) as Json }
}

const own = async (): Promise<string> => {
  const { body } = await post('/token', { grant_type: 'client_credentials', scope: 'consents' })
  return String(body['access_token'])
}

type Asked = { method?: string; body?: unknown; token: string; by?: Agent; headers?: Record<string, string> }

async function api(path: string, { method = 'GET', body, token, by = ours, headers }: Asked) {
  const reply = await fetch(bank.api + path, {
    method,
    dispatcher: by,
    headers: { authorization: `Bearer ${token}`, 'x-fapi-interaction-id': randomUUID(), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: (text === '' ? {} : JSON.parse(text)) as Json }
}

const PERMISSIONS = [
  'ACCOUNTS_READ',
  'ACCOUNTS_BALANCES_READ',
  'ACCOUNTS_OVERDRAFT_LIMITS_READ',
  'ACCOUNTS_TRANSACTIONS_READ',
  'CREDIT_CARDS_ACCOUNTS_READ',
  'CREDIT_CARDS_ACCOUNTS_BILLS_READ',
  'CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ',
  'CREDIT_CARDS_ACCOUNTS_LIMITS_READ',
  'CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ',
  'RESOURCES_READ',
]
const loggedUser = { document: { identification: CPF, rel: 'CPF' } }

async function createConsent(): Promise<Json> {
  const body = { data: { permissions: PERMISSIONS, loggedUser, expirationDateTime: ahead(100) } }
  return (await api('/consents/v3/consents', { method: 'POST', token: await own(), body })).body
}

const ahead = (days: number) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19)}Z`
const idOf = (consent: Json) => String((consent['data'] as Json)['consentId'])

const requestFor = (consent_id: string, verifier: string): Json => ({
  client_id: bank.registration.client_id,
  response_type: 'code id_token',
  redirect_uri: BACK,
  scope: `openid accounts credit-cards-accounts resources consent:${consent_id}`,
  nonce: randomUUID(),
  state: randomUUID(),
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
})

/** A token of the consent, as its customer gives it. */
async function agreed(consent_id: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const pushed = await post('/request', { request: await sign(requestFor(consent_id, verifier)) })
  assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
  const url = new URL(`${bank.issuer}/auth`)
  url.searchParams.set('client_id', bank.registration.client_id)
  url.searchParams.set('request_uri', String(pushed.body['request_uri']))
  const back = new URLSearchParams(new URL(await decide(url.href, bank, 'approve')).hash.slice(1))
  const code = back.get('code')
  assert(code, back.toString())
  assert.equal(back.get('id_token')?.split('.').length, 5, 'the ID token is encrypted')
  const form = { grant_type: 'authorization_code', code, redirect_uri: BACK, code_verifier: verifier }
  const { body } = await post('/token', form)
  return String(body['access_token'])
}

test('nobody is let in without a certificate, without PS256, or with another certificate than the token has', async () => {
  const form = { grant_type: 'client_credentials', scope: 'consents' }
  assert.equal((await post('/token', form)).status, 200)
  assert.notEqual((await post('/token', form, { by: bare })).status, 200)
  assert.notEqual((await post('/token', form, { alg: 'RS256' })).status, 200)
  const token = await own()
  const path = '/consents/v3/consents/urn:bancodeteste:none'
  assert.equal((await api(path, { token, by: bare })).status, 401)
  assert.equal((await api(path, { token })).status, 404)
})

test('what is asked has to be pushed, signed and for the client alone', async () => {
  const consent_id = idOf(await createConsent())
  const request = requestFor(consent_id, randomUUID().repeat(2))
  const plain = Object.fromEntries(Object.entries(request).map(([name, value]) => [name, String(value)]))
  assert.equal((await post('/request', plain)).status, 400)
  assert.equal((await post('/request', { request: await sign(request, 'RS256') })).status, 400)
  const { nonce: _, ...careless } = request
  assert.equal((await post('/request', { request: await sign(careless) })).status, 400)
  const unpushed = await fetch(`${bank.issuer}/auth?${new URLSearchParams(plain)}`, {
    dispatcher: bare,
    redirect: 'manual',
  })
  assert.ok(!unpushed.headers.get('location')?.includes('/interaction/'))
})

test('a token lets in what its consent permits, for as long as it holds', async () => {
  const consent_id = idOf(await createConsent())
  const token = await agreed(consent_id)
  assert.equal((await api('/accounts/v2/accounts', { token })).status, 200)
  assert.equal((await api('/accounts/v2/accounts', { token: await own() })).status, 401)
  const headers = { 'x-fapi-interaction-id': 'none' }
  assert.equal((await api('/accounts/v2/accounts', { token, headers })).status, 400)
  bank.consents.reject(consent_id, 'USER', 'CUSTOMER_MANUALLY_REVOKED')
  assert.equal((await api('/accounts/v2/accounts', { token })).status, 401)
})

test('every page leads to the next, with no total, until none is left', async () => {
  const token = await agreed(idOf(await createConsent()))
  const seen = new Set<string>()
  let next =
    '/accounts/v2/accounts/corrente-1/transactions?fromBookingDate=2020-01-01&toBookingDate=2099-01-01'
  for (let pages = 0; next !== ''; pages++) {
    assert.ok(pages < 100)
    const { body } = await api(next, { token })
    const { data, links, meta } = body as { data: Json[]; links: Json; meta: Json }
    assert.deepEqual([links['last'], meta['totalRecords']], [undefined, undefined])
    for (const { transactionId } of data) {
      assert.ok(!seen.has(String(transactionId)))
      seen.add(String(transactionId))
    }
    next = String(links['next'] ?? '').slice(links['next'] ? bank.api.length : 0)
  }
  assert.ok(seen.size > 300)
})

const folder = new URL('../../../../shared/reference/open-finance-brasil/', import.meta.url)
const skip = existsSync(folder) ? false : 'the reference folder is not here'

test('what it answers fits the official schemas, refusals among it', { skip }, async () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  const named = ['consents-3.2.0', 'accounts-2.4.2', 'credit-cards-2.3.1', 'resources-3.0.0']
  for (const name of named) {
    const text = readFileSync(new URL(`${name}.yml`, folder), 'utf8')
    ajv.addSchema({ $id: name, components: withoutHosts((parse(text) as { components: Json }).components) })
  }
  const fits = (file: string, schema: string, value: unknown) => {
    const check = ajv.compile({ $ref: `${file}#/components/schemas/${schema}` })
    assert.ok(
      check(value),
      `${schema}: ${ajv.errorsText(check.errors)} of ${JSON.stringify(value).slice(0, 500)}`,
    )
  }
  const consent = await createConsent()
  const consent_id = idOf(consent)
  const path = `/consents/v3/consents/${consent_id}`
  fits('consents-3.2.0', 'ResponseConsent', consent)
  const token = await agreed(consent_id)
  fits('consents-3.2.0', 'ResponseConsentRead', (await api(path, { token: await own() })).body)
  const headers = { 'x-fapi-customer-ip-address': '203.0.113.7', 'x-customer-user-agent': 'test' }
  const body = { data: { loggedUser, expirationDateTime: ahead(200) } }
  const extended = await api(`${path}/extends`, { method: 'POST', token, body, headers })
  assert.equal(extended.status, 201)
  fits('consents-3.2.0', 'ResponseConsentExtensions', extended.body)
  const extensions = await api(`${path}/extensions`, { token: await own() })
  fits('consents-3.2.0', 'ResponseConsentReadExtensions', extensions.body)
  const read = async (file: string, schema: string, at: string) =>
    fits(file, schema, (await api(at, { token })).body)
  const account = '/accounts/v2/accounts/corrente-1'
  await read('accounts-2.4.2', 'ResponseAccountList', '/accounts/v2/accounts')
  await read('accounts-2.4.2', 'ResponseAccountIdentification', account)
  await read('accounts-2.4.2', 'ResponseAccountBalances', `${account}/balances`)
  await read('accounts-2.4.2', 'ResponseAccountOverdraftLimits', `${account}/overdraft-limits`)
  await read('accounts-2.4.2', 'ResponseAccountTransactions', `${account}/transactions-current`)
  await read(
    'accounts-2.4.2',
    'ResponseAccountTransactions',
    `${account}/transactions?fromBookingDate=2020-01-01`,
  )
  await read('resources-3.0.0', 'ResponseResourceList', '/resources/v3/resources')
  const card = '/credit-cards-accounts/v2/accounts/cartao-1'
  const days = 'fromTransactionDate=2020-01-01&toTransactionDate=2099-01-01'
  for (const [schema, at] of [
    ['ResponseCreditCardAccountsList', '/credit-cards-accounts/v2/accounts'],
    ['ResponseCreditCardAccountsIdentification', card],
    ['ResponseCreditCardAccountsLimits', `${card}/limits`],
    ['ResponseCreditCardAccountsBills', `${card}/bills`],
    ['ResponseCreditCardAccountsTransactions', `${card}/transactions?${days}`],
  ] as const)
    await read('credit-cards-2.3.1', schema, at)
  for (const refused of [
    await api('/accounts/v2/accounts/none', { token }),
    await api('/accounts/v2/accounts', { token: 'none' }),
  ])
    fits('accounts-2.4.2', 'ResponseErrorMetaSingle', refused.body)
  fits('consents-3.2.0', 'ResponseError', (await api(path.slice(0, -1), { token: await own() })).body)
})

/** Links are to be hosts of a top-level domain, which no bank on this machine has. */
const withoutHosts = (components: Json): Json =>
  JSON.parse(
    JSON.stringify(components, (name, value: unknown) =>
      name === 'pattern' && String(value).includes('www') ? undefined : value,
    ),
  ) as Json
