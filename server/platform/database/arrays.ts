/**
 * Lists as PostgreSQL's own binary arrays. As text, every letter would be looked at for escapes here and again there,
 * and bytes would cross the wire as hexadecimal. For the parameters of hot statements, cast to their type.
 */
const UUID = 2950
const TEXT = 25
const BYTEA = 17

const HEAD = 20

export function uuids(ids: readonly string[]): Buffer {
  const array = begin(UUID, ids.length, ids.length * 16)
  let at = HEAD
  for (const id of ids) {
    at = array.writeInt32BE(16, at)
    at += array.write(id.replaceAll('-', ''), at, 'hex')
  }
  return array
}

export function texts(list: readonly string[]): Buffer {
  const lengths = list.map((text) => Buffer.byteLength(text))
  const array = begin(TEXT, list.length, sum(lengths))
  let at = HEAD
  list.forEach((text, n) => {
    at = array.writeInt32BE(lengths[n] as number, at)
    at += array.write(text, at)
  })
  return array
}

export function byteas(list: readonly Buffer[]): Buffer {
  const array = begin(BYTEA, list.length, sum(list.map(({ length }) => length)))
  let at = HEAD
  for (const bytes of list) {
    at = array.writeInt32BE(bytes.length, at)
    at += bytes.copy(array, at)
  }
  return array
}

const sum = (lengths: number[]): number => lengths.reduce((total, length) => total + length, 0)

/** One dimension from 1 on, without nulls; after the head each element stands behind its length. */
function begin(element: number, count: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(HEAD + 4 * count + bytes)
  ;[1, 0, element, count, 1].forEach((word, n) => {
    array.writeInt32BE(word, n * 4)
  })
  return array
}
