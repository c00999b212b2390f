import Type from 'typebox'
import type { Secret } from './secret.ts'

const MB = 1024 * 1024
const days = (description: string, count: number) =>
  Type.Integer({ description, default: count, examples: [count * 2], minimum: 1, maximum: 3650 })
const milliseconds = (description: string, ms: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: ms, examples: [ms * 2], minimum, maximum })
const hidden = (description: string, example: string, minLength: number) =>
  Type.Optional(
    Type.Unsafe<Secret>(Type.String({ description, examples: [example], minLength, writeOnly: true })),
  )
const cidrs = (description: string, example: string) =>
  Type.Array(Type.String(), { description, default: [], examples: [[example]] })

const ROLES = ['api', 'ingest', 'worker'] as const
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/**
 * Every setting, its meaning, default and an example: what the server reads, what it refuses, and what
 * `docs/config.md` prints. A key is read from `TRILHO_<KEY>`, `database_url` from `DATABASE_URL` and `redis_url` from `REDIS_URL`.
 */
export const ConfigSchema = Type.Object({
  database_url: hidden(
    'An external PostgreSQL, 15 or later. Absent: the embedded one, with its data under data_dir.',
    'postgres://trilho:password@db.internal:5432/trilho',
    12,
  ),
  redis_url: hidden(
    'A Redis or Valkey that the servers share. It counts the limits of calls and holds bodies of cached answers; while it is away PostgreSQL does. Absent: PostgreSQL always.',
    'redis://redis.internal:6379/0',
    8,
  ),
  data_dir: Type.String({
    description:
      'Folder for what this server keeps on disk: embedded database, key files, logs of PostgreSQL.',
    default: '.trilho',
    examples: ['/var/lib/trilho'],
    minLength: 1,
  }),
  host: Type.String({
    description:
      'Address to listen on. On a loopback address, without a public_url elsewhere and without trusted_proxies, the server is in development mode: deliveries may reach this machine itself.',
    default: '127.0.0.1',
    examples: ['0.0.0.0'],
    minLength: 1,
  }),
  port: Type.Integer({
    description: 'Port to listen on; 0 takes any free one.',
    default: 3012,
    examples: [8080],
    minimum: 0,
    maximum: 65_535,
  }),
  public_url: Type.Optional(
    Type.String({
      description:
        'The address under which others reach this server. It stands in the webhook addresses we print. Absent: made from host and port.',
      examples: ['https://hub.example.com'],
    }),
  ),
  trusted_proxies: cidrs(
    'Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Empty: none.',
    '10.0.0.0/8',
  ),
  roles: Type.Array(Type.Enum([...ROLES]), {
    description:
      'What this process does: serve the API, take webhooks, work the queues. Several processes share one database.',
    default: [...ROLES],
    examples: [['ingest', 'worker']],
    minItems: 1,
    uniqueItems: true,
  }),
  master_key: hidden(
    'Wraps the data key of every tenant: 32 bytes in base64 or 64 hex digits. Absent: kept in a file under data_dir, made on the first start. Lose it and the credentials are lost.',
    'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=',
    43,
  ),
  previous_master_keys: hidden(
    'Master keys besides master_key, separated by commas: they open what they wrapped, until "trilho vault rewrap" has wrapped it with master_key.',
    'EjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8=',
    43,
  ),
  admin_key: hidden(
    'The key of the administrator of the installation, instead of the one made and printed on the first start; 32 random characters or more.',
    'trl_admin_5kq7m2x9vd4t8wz3hc6pn1rb',
    32,
  ),
  log_level: Type.Enum([...LEVELS], {
    description: 'The least important lines that are written.',
    default: 'info',
    examples: ['debug'],
  }),
  log_format: Type.Optional(
    Type.Enum(['json', 'pretty'], {
      description: 'How a line is written. Absent: pretty on a terminal, JSON otherwise.',
      examples: ['json'],
    }),
  ),
  otlp_endpoint: Type.Optional(
    Type.String({
      description: 'Base address of an OpenTelemetry collector (OTLP over HTTP). Absent: no traces are made.',
      examples: ['http://otel-collector:4318'],
    }),
  ),
  egress_allow: cidrs(
    'Private addresses that calls and deliveries may reach all the same. Everything else that is not public is refused.',
    '10.20.0.0/16',
  ),
  plain_deliveries: Type.Boolean({
    description:
      'Outside development mode too, deliveries may go to addresses without TLS: http, amqp, kafka, nats and redis.',
    default: false,
    examples: [true],
  }),
  file_roots: Type.Array(Type.String({ minLength: 1 }), {
    description:
      'Folders of this machine below which connections of provider files may read and write. Every tenant may use all of them. Empty: none.',
    default: [],
    examples: [['/srv/exchange']],
  }),
  demo: Type.Boolean({
    description: 'On the first start, make a demo tenant connected to the sandbox.',
    default: true,
    examples: [false],
  }),
  sandbox: Type.Boolean({
    description: 'Serve the simulated vendors at /sandbox, where the server is bound to loopback.',
    default: true,
    examples: [false],
  }),
  cache_memory_mb: Type.Integer({
    description:
      "Megabytes of vendors' answers that this process keeps in memory; 0: only PostgreSQL keeps them.",
    default: 64,
    examples: [256],
    minimum: 0,
    maximum: 65_536,
  }),
  db_pool_size: Type.Integer({
    description: 'Database connections each pool of this process may open.',
    default: 10,
    examples: [20],
    minimum: 2,
    maximum: 500,
  }),
  worker_concurrency: Type.Integer({
    description: 'Pieces of work a worker process has in hand at once.',
    default: 512,
    examples: [1024],
    minimum: 1,
    maximum: 4096,
  }),
  delivery_timeout_ms: milliseconds(
    'How long a subscriber may take to answer a delivery, in milliseconds.',
    15_000,
    100,
    120_000,
  ),
  api_body_limit: Type.Integer({
    description: 'Largest request body the API takes, in bytes.',
    default: 10 * MB,
    examples: [20 * MB],
    minimum: 1024,
    maximum: 256 * MB,
  }),
  webhook_body_limit: Type.Integer({
    description:
      'Largest webhook body taken from a vendor, in bytes. A source takes 1 MiB unless it says otherwise.',
    default: 10 * MB,
    examples: [4 * MB],
    minimum: 1024,
    maximum: 64 * MB,
  }),
  webhook_tls_port: Type.Optional(
    Type.Integer({
      description:
        'Port on which webhooks also come over HTTPS, from senders who show a certificate (mutual TLS). Absent: none.',
      examples: [8443],
      minimum: 0,
      maximum: 65_535,
    }),
  ),
  webhook_tls_dir: Type.Optional(
    Type.String({
      description:
        'Folder with server.pem, server.key and client_ca.pem (whose certificates senders may show), for webhook_tls_port.',
      examples: ['/etc/trilho/tls'],
      minLength: 1,
    }),
  ),
  rate_limit_per_second: Type.Integer({
    description: 'Requests a second that one API key may make.',
    default: 100,
    examples: [500],
    minimum: 1,
    maximum: 1_000_000,
  }),
  partitions_ahead_days: Type.Integer({
    description: 'Days for which partitions are made in advance.',
    default: 14,
    examples: [30],
    minimum: 2,
    maximum: 90,
  }),
  retention_records_days: days('Days that messages, deliveries and calls are kept.', 30),
  retention_attempt_days: days('Days that attempts are kept, with the headers and bodies they exchanged.', 7),
  retention_events_days: days('Days that events are kept.', 90),
  shutdown_grace_ms: milliseconds(
    'How long work in hand may take to finish after SIGTERM, in milliseconds.',
    10_000,
    0,
    600_000,
  ),
})

/** The settings of a process, checked. Secrets are wrapped: `reveal()` where the value is used. */
export type Config = Type.Static<typeof ConfigSchema>

/**
 * What the commands of `trilho` read to find a running server. The server knows these names and leaves them alone, so
 * that one environment serves both.
 */
export const ClientSchema = Type.Object({
  url: Type.String({
    description: 'The server that commands of `trilho` talk to.',
    default: 'http://127.0.0.1:3012',
    examples: ['https://hub.example.com'],
  }),
  api_key: hidden('The key that commands of `trilho` show to the server.', 'trl_test_5kq7m2x9vd4t8wz3', 16),
  tenant: Type.Optional(
    Type.String({
      description: 'The tenant that commands with an admin key act on.',
      examples: ['tnt_01jz8k3v9mf2tb7xq4c5n6p8rs'],
    }),
  ),
})

/** Where a command finds the server, and as whom it speaks. */
export type ClientSettings = Type.Static<typeof ClientSchema>

export type Key = keyof Config
export type Property = Type.TSchema & {
  type?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  minimum?: number
  maximum?: number
  minLength?: number
  items?: Property
  writeOnly?: boolean
  description?: string
}

export const PROPERTIES = Object.entries(ConfigSchema.properties) as unknown as [Key, Property][]
export const CLIENT_PROPERTIES = Object.entries(ClientSchema.properties) as unknown as [
  keyof ClientSettings,
  Property,
][]

/** The environment variable of a key. */
export const envName = (key: Key | keyof ClientSettings): string =>
  key === 'database_url' || key === 'redis_url' ? key.toUpperCase() : `TRILHO_${key.toUpperCase()}`

/** A value as it is written in an environment variable. */
export const shown = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

/** `docs/config.md`. */
export function configMarkdown(): string {
  return `${HEAD}\n${PROPERTIES.map(toRow).join('\n')}\n${CLIENT_HEAD}\n${CLIENT_PROPERTIES.map(toRow).join('\n')}\n`
}

function toRow([key, property]: [Key | keyof ClientSettings, Property]): string {
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
  const { description, default: preset = '', examples, writeOnly } = property
  const meaning = `${description}${writeOnly === true ? ' Secret.' : ''}`
  return `| ${code(envName(key))} | ${meaning} | ${code(shown(preset))} | ${code(shown(examples?.[0]))} |`
}

const HEAD = `# Configuration

Printed from \`server/platform/settings.ts\`; \`npm run generate\` writes it.

Every setting is an environment variable, read once at the start. An empty one counts as absent. A name that
begins with \`TRILHO_\` and is not in this table refuses the start, so that a spelling mistake is never a silent
default. Lists are separated by commas. A secret may stand in a file instead: put the path in \`<NAME>_FILE\`.

| variable | meaning | default | example |
|---|---|---|---|`

const CLIENT_HEAD = `
## Commands of the CLI

\`trilho start\`, \`migrate\`, \`doctor\` and the like read the table above. Commands that talk to a running server read
these; the flags \`--url\`, \`--key\` and \`--tenant\` win over them.

| variable | meaning | default | example |
|---|---|---|---|`
