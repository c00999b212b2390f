/**
 * Dates and times as vendors write them: ISO 8601, seconds or milliseconds since 1970, or a pattern of `yyyy`, `yy`,
 * `MM`, `dd`, `HH`, `mm`, `ss` and `SSS` with anything between. A text without an offset is read, and a pattern is
 * written, in `zone`.
 */
export const WAYS = ['iso', 'iso_date', 'unix', 'unix_ms'] as const

const TOKENS: Record<string, string> = {
  yyyy: '(?<year>\\d{4})',
  yy: '(?<short>\\d{2})',
  MM: '(?<month>\\d{2})',
  dd: '(?<day>\\d{2})',
  HH: '(?<hour>\\d{2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  SSS: '(?<milli>\\d{3})',
}
const TOKEN = /yyyy|yy|MM|dd|HH|mm|ss|SSS/g
const ISO =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[T ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?(?<offset>Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$/i

/** Each of them once, and one at least. */
export function isPattern(text: string): boolean {
  const found = text.match(TOKEN) ?? []
  return found.length > 0 && new Set(found).size === found.length && text.length <= 64
}

/** The instant in milliseconds; null where the text is no such date, the 31st of February among them. */
export function readDate(value: string, way: string, zone: string): number | null {
  if (way === 'unix' || way === 'unix_ms') {
    if (!/^-?\d{1,14}(\.\d{1,9})?$/.test(value)) return null
    return Math.round(Number(value) * (way === 'unix' ? 1000 : 1))
  }
  const iso = way === 'iso' || way === 'iso_date'
  const groups = (iso ? ISO : patternOf(way)).exec(value)?.groups
  if (!groups) return null
  const { year, short, month = '01', day = '01', hour = '00', minute = '00', second = '00' } = groups
  const milli = (groups['fraction'] ?? groups['milli'] ?? '').padEnd(3, '0').slice(0, 3)
  const full = year ?? `20${short ?? '00'}`
  const local = Date.parse(`${full}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`)
  // Date.parse takes the 30th of February for the 1st of March; then it writes another day than was read.
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== `${full}-${month}-${day}`)
    return null
  return local - (groups['offset'] ? offsetIn(groups['offset']) : zoneOffset(local, zone, true))
}

export function writeDate(instant: number, way: string, zone: string): string | number {
  if (way === 'unix') return Math.floor(instant / 1000)
  if (way === 'unix_ms') return instant
  if (way === 'iso') return new Date(instant).toISOString()
  const local = new Date(instant + zoneOffset(instant, zone, false)).toISOString()
  if (way === 'iso_date') return local.slice(0, 10)
  const parts: Record<string, string> = {
    yyyy: local.slice(0, 4),
    yy: local.slice(2, 4),
    MM: local.slice(5, 7),
    dd: local.slice(8, 10),
    HH: local.slice(11, 13),
    mm: local.slice(14, 16),
    ss: local.slice(17, 19),
    SSS: local.slice(20, 23),
  }
  return way.replace(TOKEN, (token) => parts[token] ?? token)
}

export function isZone(zone: string): boolean {
  try {
    return clockOf(zone) !== null
  } catch {
    return false
  }
}

/** No pattern is the caller's own: letters between the tokens stand for themselves. */
function patternOf(way: string): RegExp {
  let at = 0
  let source = ''
  for (const { 0: token, index } of way.matchAll(TOKEN)) {
    source += literal(way.slice(at, index)) + (TOKENS[token] ?? '')
    at = index + token.length
  }
  return new RegExp(`^${source}${literal(way.slice(at))}$`)
}

const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

function offsetIn(text: string): number {
  if (/^z$/i.test(text)) return 0
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2))
  return (text.startsWith('-') ? -minutes : minutes) * 60_000
}

/** How far the clocks of a zone are ahead of UTC at an instant, or at a time on those clocks. */
function zoneOffset(ms: number, zone: string, is_local: boolean): number {
  const first = offsetAt(ms, zone)
  return is_local ? offsetAt(ms - first, zone) : first
}

function offsetAt(instant: number, zone: string): number {
  const parts: Record<string, string> = {}
  for (const { type, value } of clockOf(zone).formatToParts(instant)) parts[type] = value
  const { year, month, day, hour, minute, second } = parts
  return (
    Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(instant / 1000) * 1000
  )
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone)
  if (known) return known
  const two = '2-digit' as const
  const parts = { month: two, day: two, hour: two, minute: two, second: two }
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    ...parts,
  })
  clocks.set(zone, made)
  return made
}
