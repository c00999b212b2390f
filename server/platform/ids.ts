import { randomFillSync } from 'node:crypto'
import type { Clock } from './clock.ts'
import { Problem } from './errors.ts'

/**
 * Ids are UUIDv7 in the database and TypeIDs on the wire: a prefix that says what it is, `_`, and the
 * 128 bits in 26 characters of Crockford's base32 (TypeID 0.3). They sort by time of creation, and the
 * time partitions of the records rest on that.
 */
export const PREFIXES = {
  tenant: 'tnt',
  api_key: 'key',
  oauth_client: 'ocl',
  audit: 'aud',
  person: 'prs',
  member: 'mbr',
  session: 'ses',
  sign_in_provider: 'sip',
  connection: 'con',
  call: 'call',
  batch: 'bat',
  health_check: 'chk',
  source: 'src',
  message: 'msg',
  quarantine: 'qua',
  security_event: 'sec',
  event: 'evt',
  subscription: 'sub',
  delivery: 'dlv',
  attempt: 'att',
  replay: 'rpl',
  portal_link: 'ptl',
  inbox_replay: 'irp',
  job: 'job',
  payment: 'pay',
  payment_route: 'prt',
  refund: 'rfd',
  dispute: 'dsp',
  transfer: 'trf',
  card: 'crd',
  card_rule: 'crl',
  card_authorization: 'cau',
  card_decision: 'cdc',
  card_transaction: 'ctr',
  reconciliation: 'rcn',
  difference: 'dif',
  bank: 'bnk',
  bank_account: 'bac',
  bank_transaction: 'btx',
  bank_sync: 'bsy',
  bank_consent: 'bcn',
  alert: 'alr',
  alert_rule: 'arl',
  request: 'req',
} as const

export type Kind = keyof typeof PREFIXES
export type NewId = () => string

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LETTERS = Buffer.from(ALPHABET)
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]))

const RANDOM_BYTES = 10

/** Makes UUIDv7s that never go back, not even when the clock does. */
export function idMaker(clock: Clock): NewId {
  const pool = Buffer.alloc(RANDOM_BYTES * 256) // to ask the system for each id costs more than the rest of it
  let at = pool.length
  let last_ms = 0
  let sequence = 0
  return () => {
    const now = clock.now().getTime()
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    if (now > last_ms) {
      last_ms = now
      sequence = pool.readUInt16BE(at) & 0x7ff // half of the 12 bits stay free for the same millisecond
    } else if (++sequence > 0xfff) {
      last_ms += 1
      sequence = pool.readUInt16BE(at) & 0x7ff
    }
    at += RANDOM_BYTES
    return format(last_ms, sequence, pool.toString('hex', at - 8, at))
  }
}

function format(ms: number, sequence: number, tail: string): string {
  const time = ms.toString(16).padStart(12, '0')
  const variant = (8 | (Number.parseInt(tail[0] as string, 16) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`
}

/** When an id was made, to the millisecond. */
export const timeOfId = (id: string): Date => new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16))

/** The smallest id of an instant: as `v7_floor` in the database. */
export function floorId(time: Date): string {
  const ms = Math.max(0, time.getTime()).toString(16).padStart(12, '0') // no id is older than 1970
  return `${ms.slice(0, 8)}-${ms.slice(8)}-0000-0000-000000000000`
}

/** The last of each kind: a connection or a tenant is named again and again. */
const written = new Map<Kind, { id: string; text: string }>()

/** `dlv_01jx…` for a delivery's UUID. */
export function toWire(kind: Kind, id: string): string {
  const last = written.get(kind)
  if (last?.id === id) return last.text
  const text = spell(kind, id)
  written.set(kind, { id, text })
  return text
}

const HYPHEN = '-'.charCodeAt(0)
const NINE = '9'.charCodeAt(0)
const spelled = Buffer.alloc(26)

/** Four bits come, five go. Each delivery and call spells several ids: by characters it is a third of what texts cost. */
function spell(kind: Kind, id: string): string {
  let bits = 0
  let held = 2 // 26 letters have room for two bits more than an id has
  let at = 0
  for (let n = 0; n < id.length; n++) {
    const code = id.charCodeAt(n)
    if (code === HYPHEN) continue
    bits = ((bits & 15) << 4) | ((code & 15) + (code > NINE ? 9 : 0))
    held += 4
    if (held < 5) continue
    held -= 5
    spelled[at++] = LETTERS[(bits >> held) & 31] as number
  }
  return `${PREFIXES[kind]}_${spelled.toString('latin1')}`
}

/** The UUID behind a wire id, or null where the text is no id of that kind. */
export function parseWire(kind: Kind, text: string): string | null {
  const prefix = `${PREFIXES[kind]}_`
  if (!text.startsWith(prefix) || text.length !== prefix.length + 26) return null
  const first = bitsOf(text, prefix.length, 2)
  if (!(first < 256)) return null
  let hex = first.toString(16).padStart(2, '0')
  for (let at = prefix.length + 2; at < text.length; at += 4) {
    const bits = bitsOf(text, at, 4)
    if (Number.isNaN(bits)) return null
    hex += bits.toString(16).padStart(5, '0')
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Of `count` letters from `from` on; not a number where one of them is none of ours. */
function bitsOf(text: string, from: number, count: number): number {
  let bits = 0
  for (let at = from; at < from + count; at++) {
    bits = bits * 32 + (VALUES.get(text.charCodeAt(at)) ?? Number.NaN)
  }
  return bits
}

/** As `parseWire`, but an id of another kind is the caller's mistake. `field` names where it stood. */
export function fromWire(kind: Kind, text: string, field = 'id'): string {
  const id = parseWire(kind, text)
  if (id === null) {
    throw new Problem('invalid_id', {
      field,
      detail: `${field} must be a ${kind.replace('_', ' ')} id such as ${PREFIXES[kind]}_01jz8k3v9mf2tb7xq4c5n6p8rs`,
    })
  }
  return id
}
