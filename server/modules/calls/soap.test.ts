import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { listen } from 'soap'
import { passwordDigest } from 'soap/lib/utils.js'
import { readEnvelope } from '../../kit/transports/soap/envelope.ts'
import { readWsdl } from '../../kit/transports/soap/wsdl.ts'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { invoicesWsdl } from '../../test/wsdl.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/** The server is node-soap's, which knows nothing of how we write envelopes. */
let served: Served
let vendor: Server
let url: string
let seen: { headers: IncomingHttpHeaders; header: Record<string, unknown> | undefined } | null = null

before(async () => {
  vendor = createServer((_request, response) => void response.writeHead(404).end())
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
  const answer = (
    { number, line }: { number: string; line?: string | string[] },
    _callback: unknown,
    header: Record<string, unknown>,
    { headers }: { headers: IncomingHttpHeaders },
  ) => {
    seen = { headers, header }
    if (number === 'missing')
      throw { Fault: { faultcode: 'soap:Client', faultstring: 'no such invoice', detail: { code: 'E42' } } }
    if (number === 'broken') throw { Fault: { faultcode: 'soap:Server', faultstring: 'out of order' } }
    return { amount: '150.50', echo: [number, ...[line ?? []].flat()] }
  }
  const service = { Service: { Port: { GetInvoice: answer } } }
  listen(vendor, '/document', service, invoicesWsdl(`${url}/document`, 'document'))
  const guarded = listen(vendor, '/guarded', service, invoicesWsdl(`${url}/guarded`, 'document'))
  guarded.authenticate = knows
  listen(
    vendor,
    '/twelve',
    { ...service },
    invoicesWsdl(`${url}/twelve`, 'document').replaceAll('wsdl/soap/"', 'wsdl/soap12/"'),
  )
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})
after(() => vendor.close())

async function connect(path: string, settings: object = {}, credentials: object = {}) {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const document = invoicesWsdl(url + path, 'document')
  const body = {
    provider: 'soap',
    name: 'Invoices',
    environment: 'development',
    settings: { base_url: url + path, wsdl: document, ...settings },
    credentials,
  }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  const connection = String(made.body['id'])
  return async (input: object, operation = 'GetInvoice') => {
    const call = { operation: 'operations.call', input: { operation, input }, retries: 0 }
    const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body: call })
    assert.equal(reply.status, 200, reply.text)
    return reply.body as { state: string; status: number; result?: unknown; body: unknown; error: string }
  }
}

test('JSON goes out as an envelope that another stack reads, and its answer comes back as JSON', async () => {
  const call = await connect('/document')
  const nasty = `<a & "b"> ]]> 'c'`
  const reply = await call({ number: nasty, line: ['one', 'two'] })
  assert.equal(reply.state, 'succeeded', JSON.stringify(reply))
  assert.deepEqual(reply.result, { amount: '150.50', echo: [nasty, 'one', 'two'] })
  assert.equal(seen?.headers['soapaction'], '"urn:invoices#GetInvoice"')
})

test('SOAP 1.2 is spoken where the connection says so', async () => {
  const call = await connect('/twelve', { version: '1.2' })
  const reply = await call({ number: '7' })
  assert.equal(reply.state, 'succeeded', JSON.stringify(reply))
  assert.match(
    String(seen?.headers['content-type']),
    /application\/soap\+xml.*action="urn:invoices#GetInvoice"/,
  )
})

test('an answer in ISO-8859-1 is read as it was written', async () => {
  const city = 'São João del-Rei'
  const envelope =
    '<?xml version="1.0" encoding="ISO-8859-1"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/">' +
    `<S:Body><Answer><city>${city}</city></Answer></S:Body></S:Envelope>`
  const older = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/xml' }).end(Buffer.from(envelope, 'latin1'))
  })
  await new Promise<void>((resolve) => older.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void older.close())
  const call = await connect('/', { base_url: `http://127.0.0.1:${(older.address() as AddressInfo).port}/` })
  assert.deepEqual((await call({ number: '1' })).result, { city })
})

test('an element that a WSDL names without a prefix stands in the namespace that needs none', () => {
  const document = invoicesWsdl('http://x.example', 'document')
  const bare = document.replace(
    'element="tns:GetInvoiceRequest"',
    'element="GetInvoiceRequest" xmlns="urn:invoices"',
  )
  assert.notEqual(bare, document)
  assert.deepEqual(readWsdl(bare), readWsdl(document))
})

test('a fault that blames the request refuses the call, any other fails it', async () => {
  const call = await connect('/document')
  const missing = await call({ number: 'missing' })
  assert.equal(missing.state, 'refused', JSON.stringify(missing))
  assert.deepEqual(missing.body, {
    fault: { code: 'Client', message: 'no such invoice', detail: { code: 'E42' } },
  })
  const broken = await call({ number: 'broken' })
  assert.equal(broken.state, 'unknown', JSON.stringify(broken))
  const unknown = await call({}, 'DropEverything')
  assert.equal(unknown.status, 404)
  assert.match(JSON.stringify(unknown.body), /it has GetInvoice/)
})

test('an input that no XML can hold is refused before anything is sent', async () => {
  const call = await connect('/document')
  seen = null
  for (const input of [{ number: 'a\u0001b' }, { '1 x': 'y' }, { line: [['a']] }, { '@id': { a: 1 } }]) {
    const refused = await call(input)
    assert.deepEqual([refused.state, refused.status], ['refused', 400], JSON.stringify(refused))
  }
  assert.match(JSON.stringify((await call({ number: 'a\u0001b' })).body), /number holds characters/)
  assert.equal(seen, null)
})

test('a reason in several languages is told in the first', async () => {
  const fault =
    '<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang="pt">sem saldo</e:Text>' +
    '<e:Text xml:lang="en">no funds</e:Text></e:Reason></e:Fault>'
  const told = readEnvelope(
    `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${fault}</e:Body></e:Envelope>`,
  )
  assert.deepEqual(told, {
    kind: 'fault',
    ours: true,
    fault: { code: 'Sender', message: 'sem saldo', detail: null },
  })
})

for (const user_token of ['text', 'digest']) {
  test(`a service that asks for a user name token of WS-Security knows it as ${user_token}`, async () => {
    const credentials = { token_username: 'trilho', token_password: 'correct-horse' }
    const call = await connect('/guarded', { user_token }, credentials)
    assert.equal((await call({ number: '1' })).state, 'succeeded')
    assert.equal(JSON.stringify(seen?.header).includes('correct-horse'), user_token === 'text')
    const { Nonce: first } = token()
    await call({ number: '2' })
    assert.notDeepEqual(token().Nonce, first, 'each call has a nonce of its own')

    seen = null
    const stranger = await connect('/guarded', { user_token }, { ...credentials, token_password: 'a guess' })
    assert.notEqual((await stranger({ number: '1' })).state, 'succeeded')
    assert.equal(seen, null)
  })
}

type Token = {
  Username: string
  Password: { attributes: { Type: string }; $value: string }
  Nonce: { $value: string }
  Created: string
}
const tokenIn = (security: unknown) => (security as { UsernameToken: Token }).UsernameToken
const token = () => tokenIn(seen?.header?.['Security'])

/** As node-soap's own servers do: what is told by the digest is told by its own reckoning. */
function knows(security: unknown): boolean {
  const { Username, Password, Nonce, Created } = tokenIn(security)
  const is_digest = Password.attributes.Type.endsWith('#PasswordDigest')
  const expected = is_digest ? passwordDigest(Nonce.$value, Created, 'correct-horse') : 'correct-horse'
  return Username === 'trilho' && Password.$value === expected
}

test('what is no WSDL is refused when the connection is made', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const make = (document: string) =>
    served.send('POST', '/v1/connections', {
      key,
      body: {
        provider: 'soap',
        name: 'x',
        environment: 'development',
        settings: { base_url: url, wsdl: document },
      },
    })
  for (const document of ['hello', '<a/>', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']) {
    const refused = await make(document)
    assert.equal(refused.status, 422, refused.text)
    assert.match(refused.text, /settings\.wsdl/)
  }
})

test('the test of the connection reads the WSDL from the service', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const settings = { base_url: `${url}/document`, wsdl: invoicesWsdl(`${url}/document`, 'document') }
  const body = { provider: 'soap', name: 'x', environment: 'development', settings }
  const made = await served.send('POST', '/v1/connections', { key, body })
  const tested = await served.send('POST', `/v1/connections/${made.body['id']}/test`, { key })
  assert.equal(tested.body['ok'], true, tested.text)
})
