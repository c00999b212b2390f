import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromWire } from '../../platform/ids.ts'
import { openRedis } from '../../platform/redis/redis.ts'
import { providers } from '../../providers/index.ts'
import { quiet, testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { freePort } from '../../test/ports.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { drainCalls } from './calls.ts'
import { routes } from './routes.ts'

const command = ['redis-server', 'valkey-server'].find((name) => !spawnSync(name, ['--version']).error)

describe('with Redis', {
  skip: command ? false : 'neither redis-server nor valkey-server is installed',
  timeout: 600_000,
}, () => {
  let port: number
  let redis: ChildProcess
  let database_url: string
  const master_key = randomBytes(32)
  before(async () => {
    port = await freePort()
    redis = startRedis(port)
    database_url = await testDatabaseUrl()
  })

  function startRedis(port: number): ChildProcess {
    const flags = ['--port', String(port), '--save', '', '--appendonly', 'no']
    const child = spawn(command ?? '', flags, { stdio: 'ignore' })
    undoAfter(async () => void child.kill('SIGKILL'))
    return child
  }

  /** One that remembers nothing yet. */
  async function openServer(): Promise<Served> {
    const mount = { rooms: [connectionRoutes, routes] }
    const server = await serve({ database_url, master_key, mount, providers })
    const way = openRedis({
      url: `redis://127.0.0.1:${port}`,
      log: quiet,
      monotonic: () => performance.now(),
    })
    undoAfter(() => way.close())
    while (way.up_ms() === null) await sleep(20)
    Object.assign(server.app, { redis: way })
    return server
  }

  async function connect(server: Served, ttl_s: number) {
    const vendor = { asked: 0 }
    const listening = createServer((_request, response) => {
      vendor.asked += 1
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"secret_number":${vendor.asked}}`)
    })
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    undoAfter(async () => {
      listening.closeAllConnections()
      listening.close()
    })
    const { key } = await tenantWithKey(server, ['*'], 'test')
    const settings = { base_url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}` }
    const body = { provider: 'http', name: 'x', environment: 'development', settings }
    const id = String((await server.send('POST', '/v1/connections', { key, body })).body['id'])
    const policies = [{ path: '*', strategy: 'time_based', ttl_s }]
    await server.send('PUT', `/v1/connections/${id}/cache`, { key, body: { policies } })
    const read = async (by: Served) => {
      const reply = await by.send('POST', `/v1/connections/${id}/calls`, {
        key,
        body: { method: 'GET', path: '/x', retries: 0 },
      })
      await drainCalls(by.app)
      return (reply.body['cache'] as { result: string }).result
    }
    const inPostgres = async () => {
      const { rows } = await server.app.db.owner.pool.query<{ sealed: Buffer }>(
        'select sealed from cached_answer where connection_id = $1',
        [fromWire('connection', id)],
      )
      return rows.map(({ sealed }) => sealed.length > 0)
    }
    const purge = () => server.send('POST', `/v1/connections/${id}/cache/purge`, { key, body: {} })
    return { vendor, read, inPostgres, purge }
  }

  test('an answer is in Redis for every server, and dropped is dropped', async () => {
    const [one, two] = [await openServer(), await openServer()]
    const at = await connect(one, 60)
    assert.deepEqual([await at.read(one), await at.inPostgres()], ['miss', [false]])
    assert.deepEqual([await at.read(two), at.vendor.asked], ['hit', 1])
    assert.equal((await at.purge()).status, 200)
    assert.deepEqual([await at.read(await openServer()), at.vendor.asked], ['miss', 2])
  })

  test('what is to stay longer than Redis should hold it is in PostgreSQL', async () => {
    const one = await openServer()
    const at = await connect(one, 7_200)
    assert.deepEqual([await at.read(one), await at.inPostgres()], ['miss', [true]])
    assert.equal(await at.read(await openServer()), 'hit')
  })

  test('when Redis goes with all it held, the vendor is asked once more and PostgreSQL keeps the answer', async () => {
    const [one, two, three] = [await openServer(), await openServer(), await openServer()]
    const at = await connect(one, 60)
    assert.equal(await at.read(one), 'miss')
    redis.kill('SIGKILL')
    await once(redis, 'exit')
    assert.equal(await at.read(one), 'hit', 'from memory')
    assert.deepEqual([await at.read(two), await at.inPostgres()], ['miss', [true]])
    assert.deepEqual([await at.read(three), at.vendor.asked], ['hit', 2])
    redis = startRedis(port)
    assert.equal(await at.read(await openServer()), 'hit')
  })
})
