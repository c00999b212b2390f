/** A document as JSON says it best: ids and what a double would not hold as text, times in RFC 3339, bytes as base64. */
export function plain(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, toJson(value)]))
}

function toJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(toJson)
  const { _bsontype: type } = value as { _bsontype?: unknown }
  return typeof type === 'string' ? ofBson(type, value) : plain(value as Record<string, unknown>)
}

const TEXTS = ['ObjectId', 'Long', 'Decimal128', 'UUID', 'Timestamp']

function ofBson(type: string, value: object): unknown {
  if (TEXTS.includes(type)) return String(value)
  const { sub_type, buffer, position } = value as {
    sub_type?: number
    buffer?: Uint8Array
    position?: number
  }
  if (type === 'Binary' && buffer) {
    const bytes = Buffer.from(buffer).subarray(0, position)
    return sub_type === 4 ? toUuid(bytes.toString('hex')) : bytes.toString('base64')
  }
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : String(value)
}

const toUuid = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
