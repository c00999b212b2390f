import { readFileSync } from 'node:fs'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { Errors } from 'typebox/value'
import { secret } from './secret.ts'
import {
  CLIENT_PROPERTIES,
  type ClientSettings,
  type Config,
  envName,
  type Key,
  PROPERTIES,
  type Property,
  shown,
} from './settings.ts'
import { StartError } from './start_error.ts'

export type { ClientSettings, Config } from './settings.ts'

type Env = Record<string, string | undefined>
type AnyKey = Key | keyof ClientSettings

/**
 * Reads the settings from the environment. An empty variable counts as absent. A secret may stand in a file
 * instead, named by `<VARIABLE>_FILE`. Throws `StartError` with one line naming the variable and the remedy.
 * `flags` are variables too, which go before those of the environment.
 */
export function loadConfig(env: Env = process.env, flags: Env = {}): Config {
  const all = { ...env, ...flags }
  refuseUnknown(all)
  return readAll(all, PROPERTIES) as Config
}

/** Reads what a command needs to talk to a running server. Throws `StartError` as `loadConfig` does. */
export function loadClientSettings(env: Env = process.env, flags: Env = {}): ClientSettings {
  return readAll({ ...env, ...flags }, CLIENT_PROPERTIES) as ClientSettings
}

function readAll(env: Env, properties: [AnyKey, Property][]): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const [key, property] of properties) {
    const value = readKey(env, key, property)
    if (value !== undefined) settings[key] = value
  }
  return settings
}

/**
 * True where only this machine can reach the server; then deliveries may reach the developer's localhost. One that has a
 * public address, or a proxy before it, is reached by others however it listens.
 */
export function isDevelopment(config: Pick<Config, 'host' | 'public_url' | 'trusted_proxies'>): boolean {
  const { host, public_url, trusted_proxies } = config
  const is_published = public_url !== undefined && !isLoopback(new URL(public_url).hostname)
  return isLoopback(host) && !is_published && trusted_proxies.length === 0
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || /^\[?::1\]?$/.test(host) || (isIPv4(host) && host.startsWith('127.'))

/** Where others reach us: what stands before every path, without a slash at its end. */
export function publicAddress({
  public_url,
  host,
  port,
}: Pick<Config, 'public_url' | 'host' | 'port'>): string {
  const base = public_url ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return base.replace(/\/$/, '')
}

/** The 32 bytes of a master key written in base64 (or base64url) or hex, or null where it is neither. */
export function masterKeyBytes(text: string): Buffer | null {
  const hex = /^[0-9a-f]{64}$/i.test(text)
  if (!hex && !/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return null
  return Buffer.from(text, hex ? 'hex' : 'base64')
}

/** The keys of a list separated by commas or white space, or null where one of them is none. */
export function masterKeyList(text: string): Buffer[] | null {
  const keys = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(masterKeyBytes)
  return keys.every((key) => key !== null) ? keys : null
}

function readKey(env: Env, key: AnyKey, property: Property): unknown {
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
function problemOf(key: AnyKey, property: Property, value: unknown): string | null {
  const [error] = Errors(property, value)
  if (error !== undefined) return inWords(property, error.keyword, error.message)
  return CHECKS[key]?.(value as never) ?? null
}

function inWords(property: Property, keyword: string, message: string): string {
  const allowed = property.enum ?? property.items?.enum
  if (keyword === 'enum' && allowed !== undefined) return `must be ${oneOf(property, allowed)}`
  if (keyword === 'type' && property.type === 'integer') return 'must be a whole number'
  if (keyword === 'type' && property.type === 'boolean') return 'must be true or false'
  if (keyword === 'minimum' || keyword === 'maximum')
    return `must be from ${property.minimum} to ${property.maximum}`
  if (keyword === 'minLength' && property.writeOnly === true)
    return `must have at least ${property.minLength} characters`
  return message
}

const oneOf = (property: Property, allowed: unknown[]): string =>
  property.type === 'array' ? `a list of ${allowed.join(', ')}` : `one of ${allowed.join(', ')}`

type Check = (value: never) => string | null

/** What a JSON Schema cannot say. */
const CHECKS: Partial<Record<AnyKey, Check>> = {
  url: httpUrl,
  tenant: (text: string) => (/^tnt_[0-9a-z]{26}$/.test(text) ? null : 'must be the id of a tenant'),
  database_url: (text: string) =>
    /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '') ? null : 'must be a postgres:// URL',
  redis_url: (text: string) =>
    /^rediss?:$/.test(URL.parse(text)?.protocol ?? '') ? null : 'must be a redis:// or rediss:// URL',
  public_url: httpUrl,
  otlp_endpoint: httpUrl,
  trusted_proxies: everyCidr,
  egress_allow: everyCidr,
  master_key: (text: string) =>
    masterKeyBytes(text) === null
      ? 'must be 32 bytes in base64 or 64 hex digits; make one with "openssl rand -base64 32"'
      : null,
  previous_master_keys: (text: string) =>
    masterKeyList(text) === null
      ? 'must be a list of keys, each 32 bytes in base64 or 64 hex digits, separated by commas'
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

function refuseUnknown(env: Env): void {
  const all: [AnyKey, Property][] = [...PROPERTIES, ...CLIENT_PROPERTIES]
  const known = all.flatMap(([key, property]) =>
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
