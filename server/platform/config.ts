import { readFileSync } from 'node:fs'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import Type from 'typebox'
import { Errors } from 'typebox/value'
import { type Secret, secret } from './secret.ts'
import { StartError } from './start_error.ts'

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
  Type.Array(Type.String({ format: 'cidr' }), { description, default: [], examples: [[example]] })

const ROLES = ['api', 'ingest', 'worker'] as const
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/**
 * Every setting, its meaning, default and an example: what the server reads, what it refuses, and what
 * `docs/config.md` prints. A key is read from `TRILHO_<KEY>` (`database_url` from `DATABASE_URL`).
 */
export const ConfigSchema = Type.Object({
  database_url: hidden(
    'An external PostgreSQL, 15 or later. Absent: the embedded one, with its data under data_dir.',
    'postgres://trilho:password@db.internal:5432/trilho',
    12,
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
      'Address to listen on. On a loopback address the server is in development mode: deliveries may reach this machine itself.',
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
        'The address under which others reach this server. Printed in webhook addresses; https here makes cookies secure. Absent: made from host and port.',
      examples: ['https://hub.example.com'],
      format: 'url',
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
  admin_key: hidden(
    'The key of the administrator of the installation, instead of the one made and printed on the first start.',
    'trl_admin_5kq7m2x9vd4t8wz3hc6pn1rb',
    24,
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
      format: 'url',
    }),
  ),
  egress_allow: cidrs(
    'Private addresses that calls and deliveries may reach all the same. Everything else that is not public is refused.',
    '10.20.0.0/16',
  ),
  demo: Type.Boolean({
    description: 'On the first start, make a demo tenant connected to the sandbox.',
    default: true,
    examples: [false],
  }),
  sandbox: Type.Boolean({
    description: 'Run the simulated vendors beside the API.',
    default: true,
    examples: [false],
  }),
  sandbox_port: Type.Integer({
    description: 'Port of the sandbox, on loopback; 0 takes any free one.',
    default: 0,
    examples: [3013],
    minimum: 0,
    maximum: 65_535,
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
    default: 64,
    examples: [256],
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
    description: 'Largest webhook body taken from a vendor, in bytes.',
    default: MB,
    examples: [4 * MB],
    minimum: 1024,
    maximum: 64 * MB,
  }),
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

type Env = Record<string, string | undefined>
type Key = keyof Config
type Property = Type.TSchema & {
  type?: string
  default?: unknown
  examples?: unknown[]
  enum?: unknown[]
  format?: string
  items?: Property
  writeOnly?: boolean
  description?: string
}

const PROPERTIES = Object.entries(ConfigSchema.properties) as unknown as [Key, Property][]

/** The environment variable of a key. */
export const envName = (key: Key): string =>
  key === 'database_url' ? 'DATABASE_URL' : `TRILHO_${key.toUpperCase()}`

/**
 * Reads the settings from the environment. An empty variable counts as absent. A secret may stand in a file
 * instead, named by `<VARIABLE>_FILE`. Throws `StartError` with one line naming the variable and the remedy.
 */
export function loadConfig(env: Env = process.env): Config {
  refuseUnknown(env)
  const config: Record<string, unknown> = {}
  for (const [key, property] of PROPERTIES) {
    const value = readKey(env, key, property)
    if (value !== undefined) config[key] = value
  }
  return config as Config
}

/** True where only this machine can reach the server; then deliveries may reach the developer's localhost. */
export function isDevelopment(config: Pick<Config, 'host'>): boolean {
  const host = config.host
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

/** The 32 bytes of a master key written in base64 (or base64url) or hex, or null where it is neither. */
export function masterKeyBytes(text: string): Buffer | null {
  const hex = /^[0-9a-f]{64}$/i.test(text)
  if (!hex && !/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return null
  return Buffer.from(text, hex ? 'hex' : 'base64')
}

function readKey(env: Env, key: Key, property: Property): unknown {
  const name = envName(key)
  const text = property.writeOnly === true ? readSecret(env, name) : env[name]?.trim()
  if (text === undefined || text === '') return property.default
  const value = toValue(text, property)
  const problem = problemOf(key, property, value)
  if (problem !== null) refuse(name, property, text, problem)
  return property.writeOnly === true ? secret(text) : value
}

function readSecret(env: Env, name: string): string | undefined {
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return env[name]?.trim()
  if (env[name]) throw new StartError(`${name} and ${name}_FILE are both set; keep one of them`)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new StartError(`${name}_FILE names a file that cannot be read: ${(error as Error).message}`)
  }
}

function toValue(text: string, property: Property): unknown {
  if (property.type === 'array') {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  }
  if (property.type === 'boolean') return { true: true, '1': true, false: false, '0': false }[text] ?? text
  if (property.type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  return text
}

/** What is wrong with a value, as the end of the sentence "NAME …", or null. */
function problemOf(key: Key, property: Property, value: unknown): string | null {
  const [error] = Errors(property, value)
  if (error !== undefined) return inWords(property, error.keyword, error.message)
  return CHECKS[key]?.(value as never) ?? null
}

function inWords(property: Property, keyword: string, message: string): string {
  const allowed = property.enum ?? property.items?.enum
  if (keyword === 'enum' && allowed !== undefined) return `must be ${oneOf(property, allowed)}`
  if (keyword === 'type' && property.type === 'integer') return 'must be a whole number'
  if (keyword === 'type' && property.type === 'boolean') return 'must be true or false'
  return message
}

const oneOf = (property: Property, allowed: unknown[]): string =>
  property.type === 'array' ? `a list of ${allowed.join(', ')}` : `one of ${allowed.join(', ')}`

type Check = (value: never) => string | null

/** What a JSON Schema cannot say. */
const CHECKS: Partial<Record<Key, Check>> = {
  database_url: (text: string) =>
    /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '') ? null : 'must be a postgres:// URL',
  public_url: httpUrl,
  otlp_endpoint: httpUrl,
  trusted_proxies: everyCidr,
  egress_allow: everyCidr,
  master_key: (text: string) =>
    masterKeyBytes(text) === null
      ? 'must be 32 bytes in base64 or 64 hex digits; make one with "openssl rand -base64 32"'
      : null,
  admin_key: (text: string) =>
    /^[\x21-\x7e]+$/.test(text) ? null : 'must be printable characters without spaces',
  host: (text: string) =>
    isIP(text) > 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)
      ? null
      : 'must be an IP address or a host name',
}

function httpUrl(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must be an http:// or https:// URL'
  if (url.username !== '' || url.password !== '') return 'must not carry a user or password'
  if (url.search !== '' || url.hash !== '') return 'must have neither a query nor a fragment'
  return null
}

function everyCidr(list: string[]): string | null {
  const bad = list.find((text) => !isCidr(text))
  return bad === undefined ? null : `must be a list of networks in CIDR form; "${bad}" is not one`
}

function isCidr(text: string): boolean {
  const [address = '', bits = ''] = text.split('/')
  if (!/^\d{1,3}$/.test(bits) || text.split('/').length !== 2) return false
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128)
}

function refuse(name: string, property: Property, text: string, problem: string): never {
  const got = property.writeOnly === true ? '' : `, not ${JSON.stringify(text.slice(0, 80))}`
  throw new StartError(`${name} ${problem}${got}; an example: ${name}=${shown(property.examples?.[0])}`)
}

/** A value as it is written in an environment variable. */
const shown = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

function refuseUnknown(env: Env): void {
  const known = PROPERTIES.flatMap(([key, property]) =>
    property.writeOnly === true ? [envName(key), `${envName(key)}_FILE`] : [envName(key)],
  )
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith('TRILHO_') || known.includes(name)) continue
    throw new StartError(`${name} is no setting of Trilho; did you mean ${closest(name, known)}?`)
  }
}

function closest(name: string, known: string[]): string {
  const bare = (text: string): string => text.replace(/^TRILHO_/, '')
  const byDistance = known.map((other) => ({ other, far: distance(bare(name), bare(other)) }))
  return byDistance.reduce((best, one) => (one.far < best.far ? one : best)).other
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const swap = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** `docs/config.md`. */
export function configMarkdown(): string {
  const rows = PROPERTIES.map(([key, property]) => {
    const preset = property.default === undefined ? '' : `\`${shown(property.default) || 'empty'}\``
    const file = property.writeOnly === true ? ' Secret.' : ''
    return `| \`${envName(key)}\` | ${property.description}${file} | ${preset} | \`${shown(property.examples?.[0])}\` |`
  })
  return `${HEAD}\n${rows.join('\n')}\n`
}

const HEAD = `# Configuration

Printed from \`server/platform/config.ts\`; \`npm run generate\` writes it.

Every setting is an environment variable, read once at the start. An empty one counts as absent. A name that
begins with \`TRILHO_\` and is not in this table refuses the start, so that a spelling mistake is never a silent
default. Lists are separated by commas. A secret may stand in a file instead: put the path in \`<NAME>_FILE\`.

| variable | meaning | default | example |
|---|---|---|---|`
