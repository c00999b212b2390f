import { BlockList, isIP, isIPv6 } from 'node:net'
import { misfitsOf, Unjudged } from '../../kit/json_schema.ts'
import { contentOf } from '../../kit/messages.ts'
import { readJson } from '../../kit/wire_json.ts'
import { isDevelopment } from '../../platform/config.ts'
import { once } from '../../platform/database/database.ts'
import { diskOf, isFull } from '../../platform/disk.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import type { Options } from './options.ts'
import type { Arrival } from './receive.ts'
import { tellRefused, tellSeldom, turnAway } from './refusals.ts'
import type { ActiveSource } from './sources.ts'

/** What a source asks of a message besides its signature, and what the server asks of the moment. */

/** What crosses a network in the open can be read and changed on its way. */
export function refusePlain(app: App, source: ActiveSource, { ip, is_plain }: Arrival): void {
  if (!is_plain || !needsTls(app)) return
  const { wire_id } = source
  turnAway(app, source, 'plain_http')
  const detail = `${wire_id} takes nothing over plain HTTP; behind a proxy that ends TLS, TRILHO_TRUSTED_PROXIES names it and it sends X-Forwarded-Proto: https`
  tellSeldom(app, source, 'webhook.plain_http', ip, detail)
  throw new Problem('https_required', { detail })
}

/** Everywhere but in development, and where the address itself is published as one of http. */
const needsTls = ({ config }: App): boolean =>
  !isDevelopment(config) && !config.public_url?.startsWith('http:')

/** Before anything of it is judged: who sends it. */
export function refuseUnread(app: App, source: ActiveSource, { ip }: Arrival): void {
  const { options, wire_id } = source
  if (options.allowed_ips && !isAllowed(options, ip)) {
    turnAway(app, source, 'address_refused')
    const detail = `the address ${ip ?? '(none)'} may not send to ${wire_id}; see its option allowed_ips`
    tellSeldom(app, source, 'webhook.address_refused', ip, detail)
    throw new Problem('forbidden', { detail })
  }
}

const lists = new WeakMap<Options, BlockList>()

function isAllowed(options: Options, ip: string | null): boolean {
  const list = lists.get(options) ?? toList(options.allowed_ips ?? [])
  lists.set(options, list)
  const address = (ip ?? '').replace(/^::ffff:(?=\d+\.)/, '')
  return isIP(address) > 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function toList(ranges: string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const [family, all] = isIPv6(address) ? (['ipv6', 128] as const) : (['ipv4', 32] as const)
    list.addSubnet(address, bits === undefined ? all : Number(bits), family)
  }
  return list
}

/** Null where it is an address, or a range of them in CIDR form. */
export function rangeFault(range: string): string | null {
  const [address = '', bits = '0', ...more] = range.split('/')
  const most = isIPv6(address) ? 128 : 32
  const fits = isIP(address) > 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most && more.length === 0
  return fits ? null : `${JSON.stringify(range)} is neither an address nor a range in CIDR form`
}

/** What keeps a body from fitting the schema of its source, in words; null where it fits. */
export function schemaFault(
  { provider, settings, options: { schema } }: ActiveSource,
  { headers, body }: Arrival,
): string | null {
  if (!schema) return null
  let value: unknown
  try {
    value = readJson(contentOf(provider, { headers, body, settings }))
  } catch {
    return 'the body is not valid JSON'
  }
  return faultBy(schema, value)
}

/** What cannot be judged does not fit either: it is quarantined, where nothing of it is lost. */
function faultBy(schema: Record<string, unknown>, value: unknown): string | null {
  try {
    const [first] = misfitsOf(schema, value)
    return first ? `${first.instancePath || 'the body'} ${first.message}` : null
  } catch (error) {
    if (error instanceof Unjudged) return `the schema ${error.message}`
    throw error
  }
}

/** What waits for its commit in this process, at most: beyond that senders are asked to come again. */
const MOST_WAITING = 10_000
const MOST_WAITING_BYTES = 128 * 1024 * 1024

const waiting = once((_app: App) => ({ count: 0, bytes: 0 }))

/** Takes a message on, or refuses it where there is no more room for it. */
export async function within<T>(app: App, bytes: number, work: () => Promise<T>): Promise<T> {
  const line = waiting(app)
  if (isFull(diskOf(app.config))) throw overloaded(app, 'the disk of the server is nearly full', 30)
  if (line.count >= MOST_WAITING || line.bytes + bytes > MOST_WAITING_BYTES) {
    throw overloaded(app, 'more messages wait than can be stored now', 2)
  }
  line.count += 1
  line.bytes += bytes
  try {
    return await work()
  } finally {
    line.count -= 1
    line.bytes -= bytes
  }
}

function overloaded(app: App, because: string, retry_after_s: number): Problem {
  tellRefused(app, 'none', 'overloaded')
  return new Problem('overloaded', { detail: `${because}; send it again`, retry_after_s })
}
