import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { providers } from '../../providers/index.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { DAY_MS, issue } from '../../test/certificates.ts'
import { hasDovecot, startDovecot } from '../../test/dovecot.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { hasMariadb, startMariadb } from '../../test/mariadb.ts'
import { hasMoto, startMoto } from '../../test/moto.ts'
import { startSmtp } from '../../test/smtpd.ts'
import { hasSshd, startSshd } from '../../test/sshd.ts'
import { invoicesWsdl } from '../../test/wsdl.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/** What the test of a connection says of each transport, against the servers that the transports are tested with. */
const soon = new Date(Date.now() + 25 * DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const pemOf = ({ cert, key }: typeof authority) => ({
  cert,
  key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
})
const server_tls = pemOf(issue('localhost', ['localhost'], soon, authority))

let served: Served
let vendor: string
let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'trilho-diagnosis-'))
  undoAfter(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'shared'))
  const config = { file_roots: [join(root, 'shared')] }
  served = await serve({ config, mount: { rooms: [connectionRoutes, routes] }, providers })
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  vendor = sandbox.url
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

const answering = async (answer: RequestListener) => `http://127.0.0.1:${await listen(createServer(answer))}`

type Found = { ok: boolean; message: string; diagnosis: { step: string; ok: boolean; detail: string }[] }

async function tested(provider: string, settings: object, credentials: object = {}): Promise<Found> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { provider, name: 'x', environment: 'development', settings, credentials }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  const report = await served.send('POST', `/v1/connections/${made.body['id']}/test`, { key })
  assert.equal(report.status, 200, report.text)
  return report.body as unknown as Found
}

/** Each step that was looked at, those that failed with a `!` before them. */
const stepsOf = ({ diagnosis }: Found): string =>
  diagnosis.map(({ step, ok }) => (ok ? step : `!${step}`)).join(' ')

/** The detail of the one step that failed. */
function wrong(found: Found, steps: string): string {
  assert.equal(stepsOf(found), steps, JSON.stringify(found))
  assert.equal(found.ok, false)
  return found.diagnosis.find(({ ok }) => !ok)?.detail ?? ''
}

function right(found: Found, steps: string): void {
  assert.equal(stepsOf(found), steps, JSON.stringify(found))
  assert.equal(found.ok, true, found.message)
}

const CLIENT = { auth: 'oauth2_client_credentials' }
const REMEDY = /check the credentials, and that they belong to this environment$/

test('a client secret that the token endpoint refuses is a matter of the credentials', async () => {
  const settings = { ...CLIENT, base_url: `${vendor}/echo/oauth`, token_url: `${vendor}/oauth/token` }
  const good = { client_id: 'me', client_secret: 'sandbox-secret' }
  right(await tested('http', settings, good), 'name reach credentials permission clock')
  const found = await tested('http', settings, { ...good, client_secret: 'wrong-secret' })
  const detail = wrong(found, 'name reach !credentials')
  assert.match(detail, /invalid_client/)
  assert.match(detail, REMEDY)
  assert.match(found.message, /does not let this connection in/)
})

test('a token endpoint that is not there is told apart from one that says no', async () => {
  const settings = { ...CLIENT, base_url: `${vendor}/echo/oauth`, token_url: 'http://127.0.0.1:1/token' }
  const found = await tested('http', settings, { client_id: 'me', client_secret: 'sandbox-secret' })
  assert.match(wrong(found, 'name reach name !reach'), /refused by 127\.0\.0\.1:1; check its port/)
})

test('a log-in that refuses user and password says so, one with cookies and without a 401 too', async () => {
  const base_url = `${vendor}/access`
  const login = {
    auth: 'login',
    login_url: '/login',
    token_path: 'data.token',
    test_path: '/token',
    base_url,
  }
  const bad = { username: 'ana', password: 'wrong-password' }
  right(
    await tested('http', login, { ...bad, password: 'sandbox-secret' }),
    'name reach credentials permission clock',
  )
  assert.match(
    wrong(await tested('http', login, bad), 'name reach !credentials'),
    /the log-in was answered 401/,
  )
  // A portal shows its page of the log-in again, with a cookie, and sends whoever comes with that back to it.
  const portal = await answering((request, response) => {
    if (request.method === 'POST')
      response.writeHead(200, { 'set-cookie': 'S=1' }).end('<p>Wrong password</p>')
    else response.writeHead(302, { location: '/login' }).end()
  })
  const cookies = { auth: 'login', login_url: '/login', login_encoding: 'form', login_keeps: 'cookies' }
  const found = await tested('http', { ...cookies, base_url: portal }, bad)
  assert.match(
    wrong(found, 'name reach !credentials clock'),
    /302, as it does to who is not logged in; check/,
  )
})

test('a vendor that knows us and lets us read nothing, and one whose clock is another, are each said', async () => {
  const late = new Date(Date.now() - 10 * 60_000).toUTCString()
  const base_url = await answering((_request, response) => {
    response.writeHead(403, { 'content-type': 'application/json', date: late })
    response.end('{"message":"scope invoices.read is missing"}')
  })
  const { diagnosis } = await tested('http', { base_url, auth: 'bearer' }, { token: 'abcd' })
  const found = Object.fromEntries(diagnosis.map(({ step, ok, detail }) => [step, { ok, detail }]))
  assert.deepEqual(found['credentials']?.ok, true)
  assert.match(
    String(found['permission']?.detail),
    /403 \(scope invoices\.read is missing\): .*give them the permission/,
  )
  assert.match(String(found['clock']?.detail), /our clock is \d+ s ahead of the vendor's; set it by NTP/)
})

test('an answer that says nothing of the credentials is not taken for a yes', async () => {
  const base_url = await answering((_request, response) => void response.writeHead(404).end('{}'))
  const found = await tested('http', { base_url, auth: 'bearer' }, { token: 'abcd' })
  assert.equal(stepsOf(found), 'name reach clock')
})

test('the authority of the connection is the one that the certificate is held against, and ours is shown', async () => {
  const client = pemOf(issue('client', [], soon, authority))
  const options = { ...server_tls, ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const port = await listen(createHttps(options, (_request, response) => void response.end('{}')))
  const settings = { base_url: `https://localhost:${port}`, mtls: true }
  const shown = { certificate: client.cert, certificate_key: client.key }
  const good = await tested('http', settings, { ...shown, certificate_authority: authority.cert })
  right(good, 'name reach certificate credentials permission clock')
  const found = await tested('http', settings, shown)
  assert.match(
    wrong(found, 'name reach !certificate'),
    /(unknown authority|self-signed).*NODE_EXTRA_CA_CERTS.*, or give it as credentials\.certificate_authority$/,
  )
  assert.match(found.message, /was not reached/)
})

test('a name without an address, a private network and a certificate that ended are each said with what to do', async () => {
  const nowhere = await tested('http', { base_url: 'http://nowhere.invalid' })
  assert.match(wrong(nowhere, '!name'), /nowhere\.invalid .*; check the name of the host/)
  const inside = await tested('http', { base_url: 'https://10.1.2.3' })
  assert.match(wrong(inside, 'name !reach'), /list it in TRILHO_EGRESS_ALLOW to permit it$/)
  const ended = pemOf(issue('localhost', ['localhost'], new Date(Date.now() - DAY_MS), authority))
  const port = await listen(createHttps(ended, (_request, response) => void response.end('{}')))
  const own = {
    certificate: server_tls.cert,
    certificate_key: server_tls.key,
    certificate_authority: authority.cert,
  }
  const old = await tested('http', { base_url: `https://localhost:${port}`, mtls: true }, own)
  assert.match(
    wrong(old, 'name reach !certificate'),
    /expired on .*; whoever runs that server has to renew it/,
  )
})

const NONE = { ping: { kind: 'read', text: 'select 1' } }

test('sql: PostgreSQL says whom it does not know, and that it offers no TLS where that is wanted', async () => {
  const url = new URL(await testDatabaseUrl())
  const settings = { base_url: `postgresql://${url.host}${url.pathname}`, tls: 'off', statements: NONE }
  const user = {
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password) || 'none',
  }
  right(await tested('sql', settings, user), 'name reach credentials permission')
  const stranger = await tested('sql', settings, { ...user, username: 'nobody_knows' })
  assert.match(
    wrong(stranger, 'name reach !credentials'),
    /password authentication failed|role "\[masked\]" does not exist/,
  ) // by `trust`
  const bare = await tested('sql', { ...settings, tls: 'verify' }, user)
  assert.match(
    wrong(bare, 'name reach !certificate'),
    /offers no TLS here; switch it on there.*settings\.tls to off/,
  )
  const closed = await tested('sql', { ...settings, base_url: 'postgresql://127.0.0.1:1/erp' }, user)
  assert.match(wrong(closed, 'name !reach'), /check its port/)
})

test('sql: MariaDB shows its certificate, and says a wrong password and a database that is not granted', {
  skip: !hasMariadb && 'no MariaDB on this machine',
}, async (t) => {
  const mariadb = await startMariadb(server_tls)
  t.after(() => mariadb.stop())
  const settings = { base_url: `mysql://localhost:${mariadb.port}/erp`, statements: NONE }
  const { username, password } = mariadb
  const user = { username, password, authority: authority.cert }
  right(await tested('sql', settings, user), 'name reach certificate credentials permission')
  const forged = await tested('sql', settings, { username, password })
  assert.match(wrong(forged, 'name reach !certificate'), /credentials\.authority$/)
  const unseen = await tested('sql', { ...settings, tls: 'encrypt' }, { username, password })
  right(unseen, 'name reach certificate credentials permission')
  const stranger = await tested('sql', settings, { ...user, password: 'wrong-horse' })
  assert.match(wrong(stranger, 'name reach certificate !credentials'), /Access denied for user/)
  const other = { ...settings, base_url: `mysql://localhost:${mariadb.port}/mysql` }
  const locked = await tested('sql', other, user)
  assert.match(wrong(locked, 'name reach certificate credentials !permission'), /Access denied.*to database/)
})

test('files: a folder that this server may not use is a matter of permission', async () => {
  const local = (folder: string) => ({ place: 'local', base_url: pathToFileURL(folder).href })
  right(await tested('files', local(join(root, 'shared'))), 'permission')
  assert.match(wrong(await tested('files', local(root)), '!permission'), /TRILHO_FILE_ROOTS/)
})

test('files: an SFTP server is known by its key, and says whom it does not let in', {
  skip: !hasSshd && 'no OpenSSH server on this machine',
}, async (t) => {
  const sshd = await startSshd()
  t.after(() => sshd.stop())
  const base_url = `sftp://127.0.0.1:${sshd.port}${sshd.folder}`
  const settings = { place: 'sftp', base_url, host_key: sshd.host_key }
  const user = { username: sshd.username, private_key: sshd.private_key }
  right(await tested('files', settings, user), 'name reach credentials permission')
  const other_key = `SHA256:${'A'.repeat(43)}`
  const forged = await tested('files', { ...settings, host_key: other_key }, user)
  assert.match(wrong(forged, 'name reach !certificate'), /shows the key SHA256:.*settings\.host_key/)
  const stranger = await tested('files', settings, { username: sshd.username, password: 'wrong-horse' })
  assert.match(wrong(stranger, 'name reach !credentials'), /neither the password nor the key/)
})

test('files: a bucket says a secret that is wrong, and what its clock says', {
  skip: !hasMoto && 'no moto on this machine',
}, async (t) => {
  const moto = await startMoto('exchange')
  t.after(() => moto.stop())
  const settings = { place: 's3', base_url: 's3://exchange', endpoint: moto.url }
  const { access_key_id, secret_access_key } = moto
  const good = await tested('files', settings, { access_key_id, secret_access_key })
  right(good, 'name reach credentials permission clock')
  await moto.checkSignatures()
  const bad = await tested('files', settings, { access_key_id: 'AKIDUNKNOWN', secret_access_key })
  assert.match(wrong(bad, 'name reach !credentials clock'), /does not exist/)
})

test('email: SMTP shows its certificate after STARTTLS, and says a wrong password', async () => {
  const port = await startSmtp({ ...server_tls, authOptional: false }, [])
  const settings = { base_url: `smtp://localhost:${port}`, from: 'a@acme.example' }
  const user = { username: 'ana', password: 'correct-horse', authority: authority.cert }
  right(await tested('email', settings, user), 'name reach certificate credentials permission')
  const stranger = await tested('email', settings, { ...user, password: 'wrong-horse' })
  assert.match(wrong(stranger, 'name reach certificate !credentials'), REMEDY)
  const forged = await tested('email', settings, { username: 'ana', password: 'correct-horse' })
  assert.match(wrong(forged, 'name reach !certificate'), /credentials\.authority$/)
  const bare_port = await startSmtp({ ...server_tls, disabledCommands: ['STARTTLS'] }, [])
  const bare = await tested('email', { ...settings, base_url: `smtp://localhost:${bare_port}` }, user)
  assert.match(wrong(bare, 'name reach !certificate'), /offers no TLS here/)
})

test('email: the server that is read from is looked at beside the one that sends', {
  skip: !hasDovecot && 'no Dovecot on this machine',
}, async (t) => {
  const dovecot = await startDovecot(server_tls)
  t.after(() => dovecot.stop())
  const port = await startSmtp({ ...server_tls, authOptional: true }, [])
  const settings = { base_url: `smtp://localhost:${port}`, imap_url: `imaps://localhost:${dovecot.port}` }
  // This Dovecot knows another user than the SMTP server, which takes mail of anybody.
  const found = await tested('email', settings, { authority: authority.cert })
  const way = 'name reach certificate'
  assert.match(wrong(found, `${way} ${way} !credentials`), REMEDY)
})

test('grpc: the certificate, credentials that are not taken, and a service that is not there', async () => {
  const health = {
    Check: {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  }
  const server = new grpc.Server()
  server.addService(health, {
    Check: ({ metadata }: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      String(metadata.get('authorization')) === 'Bearer a-token'
        ? done(null, Buffer.from([8, 1]))
        : done({ code: grpc.status.UNAUTHENTICATED, details: 'the token is not known' }),
  })
  const { cert, key } = server_tls
  const tls = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) },
  ])
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', tls, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  undoAfter(async () => server.forceShutdown())
  const proto = `syntax = "proto3"; package grpc.health.v1; message Ask { string service = 1; }
    message Answer { int32 status = 1; } service Health { rpc Check(Ask) returns (Answer); rpc Other(Ask) returns (Answer); }`
  const settings = { base_url: `https://localhost:${port}`, proto, auth: 'bearer' }
  const shown = { token: 'a-token', authority: authority.cert }
  right(await tested('grpc', settings, shown), 'name reach certificate credentials permission clock')
  const stranger = await tested('grpc', settings, { ...shown, token: 'another' })
  assert.match(wrong(stranger, 'name reach certificate !credentials clock'), /the token is not known/)
  const forged = await tested('grpc', settings, { token: 'a-token' })
  assert.match(wrong(forged, 'name reach !certificate'), /credentials\.authority$/)
  const missing = await tested('grpc', { ...settings, test_method: 'grpc.health.v1.Health/Other' }, shown)
  assert.equal(stepsOf(missing), 'name reach certificate clock')
  assert.match(missing.message, /501/)
})

test('soap: a service is looked at as what it is, a server of HTTP', async () => {
  const base_url = await answering(({ headers }, response) => {
    const is_known = headers.authorization === `Basic ${Buffer.from('ana:correct-horse').toString('base64')}`
    response.writeHead(is_known ? 200 : 401).end('<wsdl/>')
  })
  const user = { username: 'ana', password: 'correct-horse' }
  const settings = { base_url, wsdl: invoicesWsdl(base_url), auth: 'basic' }
  right(await tested('soap', settings, user), 'name reach credentials permission clock')
  const stranger = await tested('soap', settings, { ...user, password: 'wrong-horse' })
  assert.match(wrong(stranger, 'name reach !credentials clock'), REMEDY)
})
