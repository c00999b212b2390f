/**
 * Lists as PostgreSQL's own binary arrays. As text, every letter would be looked at for escapes here and again there,
 * and bytes would cross the wire as hexadecimal. For the parameters of hot statements, cast to their type.
 */
const UUID = 2950
const TEXT = 25
const BYTEA = 17
const INT2 = 21
const INT4 = 23
const INT8 = 20

const HEAD = 20
const NULL = -1

export function uuids(ids: readonly (string | null)[]): Buffer {
  const array = begin(UUID, ids.length, ids.length * 16)
  let at = HEAD
  let before: string | null = null
  for (const id of ids) {
    at = array.writeInt32BE(id === null ? NULL : 16, at)
    if (id !== null) {
      // The rows of a batch are often of one tenant.
      if (id === before) array.copyWithin(at, at - 20, at - 4)
      else writeUuid(array, at, id)
      at += 16
    }
    before = id
  }
  return array.subarray(0, at)
}

const NIBBLES = new Uint8Array(128)
for (let value = 0; value < 16; value++) {
  NIBBLES[value.toString(16).charCodeAt(0)] = value
  NIBBLES[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** By hand, since a call into the runtime for each costs four times as much. */
function writeUuid(array: Buffer, from: number, id: string): void {
  let at = from
  for (let letter = 0; letter < 36; letter += 2) {
    if (letter === 8 || letter === 13 || letter === 18 || letter === 23) letter += 1
    const high = NIBBLES[id.charCodeAt(letter)] ?? 0
    array[at++] = (high << 4) | (NIBBLES[id.charCodeAt(letter + 1)] ?? 0)
  }
}

export function texts(list: readonly (string | null)[]): Buffer {
  const lengths = list.map((text) => (text === null ? NULL : Buffer.byteLength(text)))
  const array = begin(TEXT, list.length, sum(lengths))
  let at = HEAD
  list.forEach((text, n) => {
    at = array.writeInt32BE(lengths[n] as number, at)
    if (text !== null) at += array.write(text, at)
  })
  return array
}

export function byteas(list: readonly (Buffer | null)[]): Buffer {
  const array = begin(BYTEA, list.length, sum(list.map((bytes) => bytes?.length ?? NULL)))
  let at = HEAD
  for (const bytes of list) {
    at = array.writeInt32BE(bytes?.length ?? NULL, at)
    if (bytes !== null) at += bytes.copy(array, at)
  }
  return array
}

export const int2s = (list: readonly (number | null)[]): Buffer => integers(INT2, 2, list)
export const int4s = (list: readonly (number | null)[]): Buffer => integers(INT4, 4, list)

/** Whole numbers of JavaScript, which end far below 2^63. */
export function int8s(list: readonly (number | null)[]): Buffer {
  const array = begin(INT8, list.length, list.length * 8)
  let at = HEAD
  for (const value of list) {
    at = array.writeInt32BE(value === null ? NULL : 8, at)
    if (value !== null) at = array.writeBigInt64BE(BigInt(value), at)
  }
  return array.subarray(0, at)
}

function integers(element: number, size: 2 | 4, list: readonly (number | null)[]): Buffer {
  const array = begin(element, list.length, list.length * size)
  let at = HEAD
  for (const value of list) {
    at = array.writeInt32BE(value === null ? NULL : size, at)
    if (value !== null) at = array.writeIntBE(value, at, size)
  }
  return array.subarray(0, at)
}

/** A null has no bytes. */
const sum = (lengths: number[]): number => lengths.reduce((total, length) => total + Math.max(0, length), 0)

/** One dimension from 1 on; after the head each element stands behind its length, a null behind -1. */
function begin(element: number, count: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(HEAD + 4 * count + bytes)
  ;[1, 0, element, count, 1].forEach((word, n) => {
    array.writeInt32BE(word, n * 4)
  })
  return array
}
