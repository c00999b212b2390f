import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { undoAfter } from './harness.ts'
import { freePort } from './ports.ts'

/** Throw-away brokers, each where the machine has one; what uses one that is absent is skipped. */

const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const REDIS = ['redis-server', 'valkey-server'].find((name) => isThere(name))

function isThere(name: string): boolean {
  return !spawnSync(name, ['--version'], { stdio: 'ignore' }).error
}

/** A reason to skip what needs it, or false. */
export const without = {
  redis: REDIS === undefined && 'neither redis-server nor valkey-server is installed',
  nats: !isThere('nats-server') && 'nats-server is not installed',
  rabbitmq: !existsSync(RABBITMQ) && 'rabbitmq-server is not installed',
  sqs: !isThere('moto_server') && 'moto_server is not installed',
  kafka: !process.env['KAFKA_LIBS'] && 'KAFKA_LIBS names no folder with the jars of a Kafka',
}

/** `port` is its own again after `stop` and `start`, and so is what it kept, where it keeps anything. */
export type Broker = { port: number; start(): Promise<void>; stop(): Promise<void> }

type Launch = { command: string; args: string[]; env?: Record<string, string> }

/** Starts it in a folder of its own; gone with the test file. */
async function launch(
  of: (at: { port: number; dir: string }) => Launch | Promise<Launch>,
  wait_ms = 60_000,
): Promise<Broker> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'trilho-broker-'))
  const { command, args, env } = await of({ port, dir })
  let child: ChildProcess | null = null
  const broker: Broker = {
    port,
    start: async () => {
      child = spawn(command, args, {
        cwd: dir,
        env: { ...process.env, ...env },
        stdio: 'ignore',
        detached: true, // scripts start what they stand for as children; all end together
      })
      await answering(port, child, wait_ms)
    },
    stop: async () => {
      if (child) await endGroup(child)
      child = null
    },
  }
  undoAfter(async () => {
    await broker.stop()
    await rm(dir, { recursive: true, force: true })
  })
  await broker.start()
  return broker
}

async function answering(port: number, child: ChildProcess, wait_ms: number): Promise<void> {
  const until = performance.now() + wait_ms
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > until) throw new Error('the broker did not start')
    await sleep(25)
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await ended
}

/** Remembers nothing across a stop. */
export const startRedis = (more: string[] = []): Promise<Broker> =>
  launch(({ port }) => ({
    command: REDIS ?? '',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more],
  }))

/** Over TLS alone, to whoever shows a certificate of this authority. Files in PEM. */
export type Tls = { cert: string; key: string; ca: string }

export const startSecureRedis = ({ cert, key, ca }: Tls, more: string[] = []): Promise<Broker> =>
  launch(({ port }) => ({
    command: REDIS ?? '',
    args: [
      ...[
        '--port',
        '0',
        '--tls-port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
      ],
      ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca],
      ...['--tls-auth-clients', 'yes', ...more],
    ],
  }))

export const startNats = (more: string[] = []): Promise<Broker> =>
  launch(({ port, dir }) => ({
    command: 'nats-server',
    args: ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', dir, ...more],
  }))

export const startSqs = (): Promise<Broker> =>
  launch(({ port }) => ({ command: 'moto_server', args: ['-H', '127.0.0.1', '-p', String(port)] }), 300_000)

/** Without epmd, the daemon that would outlive it. */
export const startRabbitmq = (): Promise<Broker> =>
  launch(async ({ port, dir }) => {
    const dist = await freePort()
    return {
      command: RABBITMQ,
      args: [],
      env: {
        HOME: dir,
        RABBITMQ_NODENAME: `trilho${port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(dist),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-start_epmd false -erl_epmd_port ${dist} +S 1:1`,
        RABBITMQ_MNESIA_BASE: dir,
        RABBITMQ_LOG_BASE: dir,
        RABBITMQ_PLUGINS_EXPAND_DIR: join(dir, 'plugins'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
        RABBITMQ_CONFIG_FILE: join(dir, 'none'),
        RABBITMQ_PID_FILE: join(dir, 'pid'),
      },
    }
  }, 300_000)

/** One node of KRaft, broker and controller. `sasl_port` lets in who logs in, by PLAIN or SCRAM. */
export async function startKafka(): Promise<
  Broker & { sasl_port: number; username: string; password: string }
> {
  const [controller, sasl_port] = [await freePort(), await freePort()]
  const [username, password] = ['trilho', 'correct-horse']
  const at = (name: string, on: number) => `${name}://127.0.0.1:${on}`
  const login = (name: string) => `org.apache.kafka.common.security.${name} required`
  const broker = await launch(async ({ port, dir }) => {
    const file = join(dir, 'server.properties')
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      listeners: [at('PLAINTEXT', port), at('SASL', sasl_port), at('CONTROLLER', controller)].join(),
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.sasl.plain.sasl.jaas.config': `${login('plain.PlainLoginModule')} user_${username}="${password}";`,
      'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${login('scram.ScramLoginModule')};`,
      'log.dirs': join(dir, 'logs'),
      'auto.create.topics.enable': false,
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 1,
      'group.initial.rebalance.delay.ms': 0,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(file, lines.join(''))
    const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', `${process.env['KAFKA_LIBS']}/*`]
    const scram = `SCRAM-SHA-512=[name=${username},password=${password}]`
    const format = [
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'MkU3OEVBNTcwNTJENDM2Qg',
      '-S',
      scram,
      '-c',
      file,
    ]
    const made = spawnSync('java', [...java, ...format], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(`Kafka was not set up: ${made.stderr}`)
    return { command: 'java', args: [...java, 'kafka.Kafka', file] }
  }, 300_000)
  return { ...broker, sasl_port, username, password }
}
