import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { before, test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/**
 * Beyond the listener the protocol of Oracle is closed, so no small server of ours can speak it: here stands what a
 * listener may answer, and what is decided before it is asked.
 */
let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})

const REFUSE = 4
const REDIRECT = 5

/** A listener that answers every connect packet of TNS with one of its own. */
async function listener(kind: number, text: string): Promise<number> {
  const data = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(data.length)
  const body = Buffer.concat([kind === REFUSE ? Buffer.from([1, 0]) : Buffer.alloc(0), length, data])
  const head = Buffer.alloc(8)
  head.writeUInt16BE(8 + body.length)
  head[4] = kind
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.concat([head, body])))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

async function tried(base_url: string, settings: object = {}): Promise<Record<string, unknown>> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const statements = { one: { kind: 'read', text: 'select :a from dual', params: { a: 'text' } } }
  const made = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'sql',
      name: 'ERP',
      environment: 'development',
      settings: { base_url, tls: 'off', statements, ...settings },
      credentials: { username: 'trilho', password: 'correct-horse' },
    },
  })
  if (made.status !== 201) return made.body
  const reply = await served.send('POST', `/v1/connections/${String(made.body['id'])}/calls`, {
    key,
    body: {
      operation: 'statements.read',
      input: { statement: 'one', params: { a: 'x' } },
      retries: 0,
      timeout_ms: 10_000,
    },
  })
  assert.equal(reply.status, 200, reply.text)
  return reply.body
}

test('what the listener refuses is said in its words', async () => {
  const port = await listener(
    REFUSE,
    '(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=12514)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))',
  )
  const refused = await tried(`oracle://127.0.0.1:${port}/erp`)
  assert.equal(refused['state'], 'failed', JSON.stringify(refused))
  assert.match(String(refused['error']), /erp/i)
})

test('a listener that sends us to a private network is not followed there', async () => {
  const port = await listener(REDIRECT, '(ADDRESS=(PROTOCOL=tcp)(HOST=10.1.2.3)(PORT=1521))')
  const guarded = await tried(`oracle://127.0.0.1:${port}/erp`)
  assert.match(String(guarded['error']), /TRILHO_EGRESS_ALLOW/)
  assert.match(String((await tried('oracle://10.1.2.3/erp'))['error']), /TRILHO_EGRESS_ALLOW/)
})

test('nothing of the base URL becomes a part of the descriptor', async () => {
  const refused = await tried('oracle://127.0.0.1:1521/erp)(SECURITY=(MY_WALLET_DIRECTORY=etc))')
  assert.equal(refused['status'], 400, JSON.stringify(refused))
  const encrypt = await tried('oracle://127.0.0.1:1521/erp', { tls: 'encrypt' })
  assert.match(JSON.stringify(encrypt['body']), /tls must be verify or off/)
})

test('a read that is no query cannot be declared', async () => {
  const statements = { drop: { kind: 'read', text: 'drop table invoice' } }
  const refused = await tried('oracle://127.0.0.1:1521/erp', { statements })
  assert.match(JSON.stringify(refused), /must begin with select or with/)
})
