import protobuf from 'protobufjs'

/**
 * What of a JSON value is not what its message says. The library that writes the bytes does not ask: it leaves out a
 * member it does not know, at any depth, and makes 0 of a word, true of "false" and the first of an enum of any other.
 * Null where all fits; else one reason, which begins with the place.
 */
export function misfitOf(type: protobuf.Type, value: unknown, place = ''): string | null {
  if (!isRecord(value)) return `${place || 'the message'} must be an object`
  if (type.fullName === '.google.protobuf.Any') return null // what it holds says itself what it is
  for (const [name, member] of Object.entries(value)) {
    const here = place === '' ? name : `${place}.${name}`
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    if (!field) {
      const known = Object.keys(type.fields).join(', ') || 'none'
      return `${here} is no field of ${type.name}; its fields are ${known}`
    }
    const misfit = member === null ? null : ofField(field, member, here)
    if (misfit !== null) return misfit
  }
  return null
}

function ofField(field: protobuf.Field, value: unknown, place: string): string | null {
  if (field instanceof protobuf.MapField) return ofMap(field, value, place)
  if (!field.repeated) return ofOne(field, value, place)
  if (!Array.isArray(value)) return `${place} must be a list`
  return first(value.entries(), ([at, element]) => ofOne(field, element, `${place}.${at}`))
}

function ofMap(field: protobuf.MapField, value: unknown, place: string): string | null {
  if (!isRecord(value)) return `${place} must be an object`
  return first(Object.entries(value), ([key, member]) => {
    const here = `${place}.${key}`
    const is_key = field.keyType === 'bool' ? /^(true|false)$/.test(key) : isScalar(field.keyType, key)
    return is_key ? ofOne(field, member, here) : `${here} must have ${inWords(field.keyType)} as its name`
  })
}

function ofOne({ resolvedType, type }: protobuf.FieldBase, value: unknown, place: string): string | null {
  if (resolvedType instanceof protobuf.Type) return misfitOf(resolvedType, value, place)
  if (resolvedType instanceof protobuf.Enum) {
    if (typeof value === 'string' && Object.hasOwn(resolvedType.values, value)) return null
    if (isScalar('int32', value) && typeof value === 'number') return null
    return `${place} must be one of ${Object.keys(resolvedType.values).join(', ')}`
  }
  return isScalar(type, value) ? null : `${place} must be ${inWords(type)}`
}

const first = <T>(members: Iterable<T>, look: (member: T) => string | null): string | null => {
  for (const member of members) {
    const misfit = look(member)
    if (misfit !== null) return misfit
  }
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const WHOLE = /^-?\d{1,20}$/
const NUMBER = /^-?(\d+(\.\d+)?(e[+-]?\d+)?|Infinity)$|^NaN$/i

/** Numbers may come as text, which keeps every digit. */
function isScalar(type: string, value: unknown): boolean {
  if (type === 'bool') return typeof value === 'boolean'
  if (type === 'string' || type === 'bytes') return typeof value === 'string'
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : ''
  if (type === 'double' || type === 'float') return NUMBER.test(text)
  if (!WHOLE.test(text)) return false
  const whole = BigInt(text)
  return whole === (isUnsigned(type) ? BigInt.asUintN : BigInt.asIntN)(bitsOf(type), whole)
}

const isUnsigned = (type: string) => /^(uint|fixed)/.test(type)
const bitsOf = (type: string) => (type.endsWith('32') ? 32 : 64)

const WORDS: Readonly<Record<string, string>> = {
  bool: 'true or false',
  string: 'text',
  bytes: 'base64',
  double: 'a number',
  float: 'a number',
}

const inWords = (type: string): string =>
  WORDS[type] ?? `a whole number of ${bitsOf(type)} bits${isUnsigned(type) ? ', not below 0' : ''}`
