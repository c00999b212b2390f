/**
 * Cuts one direction of a PostgreSQL connection into its messages: a type, a length that counts itself, a body. What
 * a client sends first has no type. The reader returns whether `on` said of any message that the chunk stops here.
 */
export function messageReader(
  { startup }: { startup: boolean },
  on: (type: string | null, bytes: Buffer) => unknown,
): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0)
  let untyped = startup
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let stops = false
    for (;;) {
      const head = untyped ? 0 : 1
      if (rest.length < head + 4) return stops
      const length = head + rest.readInt32BE(head)
      if (rest.length < length) return stops
      const message = rest.subarray(0, length)
      const type = untyped ? null : String.fromCharCode(message[0] ?? 0)
      untyped = false
      rest = rest.subarray(length)
      if (on(type, message) === true) stops = true
    }
  }
}
