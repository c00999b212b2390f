import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createEgress } from '../../platform/egress/egress.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Landing, publish, readDestination } from './destinations.ts'

/** Anybody may name a server of theirs: what it answers ends its own connection, and never the process nor its turn. */

const TIMEOUT_MS = 5_000
/** A process that starts on a busy machine takes its time; one that stands still takes for ever. */
const PATIENCE_MS = 60_000

/** Publishes to one after the other, in a process of its own that is to live and go on. */
async function sendFromChild(urls: string[], execArgv: string[] = []): Promise<Landing[]> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // or the child would believe that it is to run tests
  const child = fork(fileURLToPath(import.meta.url), ['send'], { env, execArgv })
  undoAfter(async () => void child.kill('SIGKILL'))
  child.send(urls)
  const ended = once(child, 'exit').then(([code]) => assert.fail(`the process ended with ${code}`))
  const hung = sleep(PATIENCE_MS, null, { ref: false }).then(() => assert.fail('the process stands still'))
  const [landings] = (await Promise.race([once(child, 'message'), ended, hung])) as [Landing[]]
  child.kill('SIGKILL')
  return landings
}

async function sendAll(urls: string[]): Promise<void> {
  const egress = createEgress({ allow: [], allow_loopback: true })
  const landings: Landing[] = []
  for (const url of urls) {
    const destination = readDestination(url)
    assert(destination && typeof destination !== 'string', String(destination))
    const about = { id: 'evt_1', copy_id: 'evt_1.sub_1', type: 'a', timestamp: new Date(), key: null }
    const message = { ...about, headers: {}, body: '{}' }
    landings.push(await publish(egress, { destination, auth: null, message, timeout_ms: TIMEOUT_MS }))
    await sleep(50) // what goes wrong later goes wrong here
  }
  process.send?.(landings)
}

/** The port of a server that does this with each connection. */
async function serve(each: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    each(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

const portsOf = (answers: (string | Buffer)[], begin: (socket: Socket, answer: string | Buffer) => void) =>
  Promise.all(answers.map((answer) => serve((socket) => begin(socket, answer))))

function assertLost(landings: Landing[], words: RegExp): void {
  for (const [at, landing] of landings.entries()) {
    assert(landing.kind === 'error', `${at}: ${JSON.stringify(landing)}`)
    assert.match(landing.message, words, String(at))
  }
}

function natsTests(): void {
  test('a NATS whose sizes and lines are none ends its own connection', async () => {
    const ports = await portsOf(
      [
        'MSG a 1 -15\r\n',
        'MSG a 1 1e9\r\n',
        `MSG a 1 ${'9'.repeat(400)}\r\n`,
        'MSG a 1 1.5\r\n',
        'HMSG a 1 -9 2\r\nab\r\n',
        'HMSG a 1 9 2\r\nab\r\n',
        '-ERR '.padEnd(10_000_000, 'x'),
        `-ERR ${'x'.repeat(100_000)}\r\n`,
      ],
      (socket, answer) => {
        socket.write('INFO {"max_payload":1024}\r\n')
        socket.once('data', () => socket.write(answer))
      },
    )
    const landings = await sendFromChild(ports.map((port) => `nats://127.0.0.1:${port}/a`))
    assertLost(landings, /^the answer is not that of a NATS server$/)
  })

  test('a NATS that asks for signs of life without end is hung up on', async () => {
    const port = await serve((socket) => {
      socket.write('INFO {"max_payload":1024}\r\n')
      socket.once('data', () => socket.write('PING\r\n'.repeat(20_000)))
    })
    const landings = await sendFromChild([`nats://127.0.0.1:${port}/a`])
    assertLost(landings, /^the broker asks for signs of life and reads none$/)
  })

  test('an answer of JetStream in other types than its own is a no, in words', async () => {
    const acks = [
      '{"error":{"description":{"toString":1}}}',
      '{"stream":{"toString":1},"seq":1}',
      '{"stream":"a","seq":"1"}',
    ]
    const ports = await portsOf(acks, (socket, ack) => {
      socket.write('INFO {"max_payload":1024}\r\n')
      socket.on('data', (chunk) => {
        if (chunk.includes('PING')) socket.write('PONG\r\n')
        const reply = /HPUB a (\S+)/.exec(String(chunk))?.[1]
        if (reply) socket.write(`MSG ${reply} 1 ${ack.length}\r\n${ack}\r\n`)
      })
    })
    for (const landing of await sendFromChild(ports.map((port) => `nats://127.0.0.1:${port}/a`))) {
      assert.deepEqual(landing, {
        kind: 'refused',
        message: 'JetStream answered: nothing we can read',
      })
    }
  })
}

function redisTests(): void {
  test('a Redis whose lengths and lines are none ends its own connection', async () => {
    const answers = [
      '$-15\r\n',
      '$99999999999\r\n',
      `$${'9'.repeat(400)}\r\n`,
      '*1\r\n'.repeat(100_000),
      '+'.padEnd(10_000_000, 'x'),
      `$999999\r\n${'x'.repeat(999_999)}`,
    ]
    const ports = await portsOf(answers, (socket, answer) => socket.once('data', () => socket.write(answer)))
    const landings = await sendFromChild(ports.map((port) => `redis://127.0.0.1:${port}/a`))
    assertLost(landings, /^the answer is not that of a Redis$/)
  })
}

function amqpTests(): void {
  test('a RabbitMQ whose frames are none ends its own connection', async () => {
    const ports = await portsOf(
      [
        Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]),
        Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xf8]),
        Buffer.from([1, 0, 0, 0x80, 0, 0, 0]),
        Buffer.concat([Buffer.from([1, 0, 0, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(1_000_000)]),
        'HTTP/1.1 400 Bad Request\r\n\r\n',
        Buffer.concat([returned(), header({ body_size: 2 ** 31, properties: [0, 0] })]),
        Buffer.concat([returned(), header({ body_size: 2 ** 60, properties: [0, 0] })]),
        method(0, 10, 50, [0, 1, 255]), // it closes, and its reason is longer than the frame
      ],
      (socket, answer) => socket.once('data', () => socket.write(answer)),
    )
    const landings = await sendFromChild(ports.map((port) => `amqp://127.0.0.1:${port}/?exchange=e`))
    assertLost(landings, /^RabbitMQ: the answer is not that of a RabbitMQ$/)
  })

  test('a RabbitMQ that asks for signs of life without end is hung up on', async () => {
    const asked = Buffer.concat(Array<Buffer>(20_000).fill(frame(8, 0, [])))
    const port = await serve((socket) => socket.once('data', () => socket.write(asked)))
    const landings = await sendFromChild([`amqp://127.0.0.1:${port}/?exchange=e`])
    assertLost(landings, /^RabbitMQ: the broker asks for signs of life and reads none$/)
  })

  test('tables in tables, told twice at each depth, are not read', async () => {
    const port = await serve((socket) =>
      socket.once('data', () => {
        socket.write(header({ body_size: 0, properties: [0x20, 0, ...deepTable(60)] }))
        socket.end(method(0, 10, 50, [0, 1, 0, 0, 0, 0, 0]))
      }),
    )
    const landings = await sendFromChild([`amqp://127.0.0.1:${port}/?exchange=e`])
    assertLost(landings, /^RabbitMQ: connection closed/)
  })

  test('what waits for a RabbitMQ that says nonsense is told at once', async () => {
    const port = await serve((socket) => {
      socket.once('data', () => socket.write(method(0, 10, 10)))
      socket.on('data', (chunk) => {
        for (const [asked, answer] of CONVERSATION) {
          if (chunk.includes(Buffer.from(asked))) socket.write(answer)
        }
      })
    })
    const [landing] = await sendFromChild([`amqp://127.0.0.1:${port}/?exchange=e`])
    const message = 'RabbitMQ: the answer is not that of a RabbitMQ'
    assert.deepEqual(landing, { kind: 'error', sent: true, message })
  })
}

const frame = (type: number, channel: number, payload: number[]): Buffer => {
  const head = Buffer.from([type, 0, channel, 0, 0, 0, 0])
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, Buffer.from([...payload, 0xce])])
}

const method = (channel: number, of: number, id: number, args: number[] = []): Buffer =>
  frame(1, channel, [0, of, 0, id, ...args])

/** A message that comes back, without its body. */
const returned = () => method(0, 60, 50, [0, 1, 0, 0, 0])

function header({ body_size, properties }: { body_size: number; properties: number[] }): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(body_size))
  return frame(2, 0, [0, 60, 0, 0, ...size, ...properties])
}

/** Tables each of which claims to end before its own field does, so that it is read again by the one around it. */
function deepTable(depth: number): number[] {
  const twice = [0, 0, 1, 0, 1, 0, 0x46, 0, 0, 0, 1, 1, 0, 0x46]
  const inmost = [0, 0, 1, 0, ...Array.from({ length: 128 }, () => [0, 0x56]).flat()]
  const inside = [0, 0x46, ...Array.from({ length: depth }, () => twice).flat(), ...inmost]
  return [0, 0, inside.length >> 8, inside.length & 255, ...inside]
}

/** What is asked, by class and method, and what is answered until a message is there. */
const CONVERSATION: [number[], Buffer][] = [
  [[0, 10, 0, 11], method(0, 10, 30, [0, 0, 0, 2, 0, 0, 0, 0])],
  [[0, 10, 0, 40], method(0, 10, 41, [0])],
  [[0, 20, 0, 10], method(1, 20, 11, [0, 0, 0, 0])],
  [[0, 85, 0, 10], method(1, 85, 11)],
  [[0, 60, 0, 40], Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
]

function kafkaTests(): void {
  test('a Kafka whose sizes are none ends its own connection', async () => {
    const ports = await portsOf(
      [
        Buffer.from([0, 0, 0, 0]),
        Buffer.from([0, 0, 0, 2, 0, 0]),
        Buffer.from([0xff, 0xff, 0xff, 0xff]),
        Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xf0]), Buffer.alloc(100)]),
        Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(100)]),
        'HTTP/1.1 400 Bad Request\r\n\r\n',
      ],
      (socket, answer) => socket.once('data', () => socket.write(answer)),
    )
    const landings = await sendFromChild(ports.map((port) => `kafka://127.0.0.1:${port}/a`))
    assertLost(landings, /^Kafka: .*the answer is not that of a Kafka$/)
  })

  test('a Kafka that asks for a billion iterations of SCRAM gets none, and is told of in words', async () => {
    await import('./kafka_wire.ts')
    const { DIGESTS, SCRAM } = createRequire(import.meta.url)('kafkajs/src/broker/saslAuthenticator/scram')
    const hash = (iterations: number) => SCRAM.hi('word', Buffer.from('salt'), iterations, DIGESTS.SHA256)
    assert.equal((await hash(4_096)).length, 32)
    await assert.rejects(hash(1_000_000_000), /asks for 1000000000 iterations of SCRAM, more than 200000$/)
  })

  test('a list of Kafka that leads back to its beginning is not read', async () => {
    const versions = [0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0]
    const brokers = [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xf6, 0, 0, 0, 0]
    const port = await serve((socket) =>
      socket.on('data', (asked) => {
        const said = asked.readInt16BE(4) === 18 ? versions : brokers
        socket.write(Buffer.from([0, 0, 0, 4 + said.length, ...asked.subarray(8, 12), ...said]))
      }),
    )
    const landings = await sendFromChild([`kafka://127.0.0.1:${port}/a`])
    assertLost(landings, /^Kafka: .*the answer is not that of a Kafka$/)
  })
}

/** As where nobody installed them. */
const WITHOUT_CLIENTS = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(name, context, next) {
      if (!/^(kafkajs|@cloudamqp)/.test(name)) return next(name, context)
      throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })`)}`

function absentTests(): void {
  test('a client that is not installed is named by the attempt, and is missed by nobody else', async () => {
    const urls = ['kafka://127.0.0.1:1/a', 'amqp://127.0.0.1:1/?exchange=e', 'nats://127.0.0.1:1/a']
    const [kafka, amqp, nats] = await sendFromChild(urls, ['--import', WITHOUT_CLIENTS])
    assert(kafka?.kind === 'error' && amqp?.kind === 'error' && nats?.kind === 'error')
    assert.match(kafka.message, /not installed: npm install kafkajs@2, then restart/)
    assert.match(amqp.message, /not installed: npm install @cloudamqp\/amqp-client@4, then restart/)
    assert.match(nats.message, /refused/)
    assert.deepEqual([kafka.sent, amqp.sent], [false, false])
  })
}

if (process.argv[2] === 'send') process.on('message', (urls) => void sendAll(urls as string[]))
else {
  natsTests()
  redisTests()
  amqpTests()
  kafkaTests()
  absentTests()
}
