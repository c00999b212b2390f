/** The replies of Redis (RESP2) that answer single commands: a line, an error, a number or a text. */

export type Reply = { is_error: boolean; text: string }

/** No reply we ask for is as long. */
const MOST_BYTES = 64 * 1024

/** `take` is false when what came is no such reply. */
export function createReplies(onReply: (reply: Reply) => void): { take(chunk: Buffer): boolean } {
  let rest = Buffer.alloc(0)
  return {
    take(chunk) {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const read = readReply(rest)
        if (read === 'more') return rest.length <= MOST_BYTES
        if (read === 'wrong') return false
        rest = rest.subarray(read.length)
        onReply(read.reply)
      }
    },
  }
}

function readReply(bytes: Buffer): { reply: Reply; length: number } | 'more' | 'wrong' {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return 'more'
  const kind = String.fromCharCode(bytes[0] ?? 0)
  const line = bytes.toString('utf8', 1, end)
  if (kind === '+' || kind === ':') return { reply: { is_error: false, text: line }, length: end + 2 }
  if (kind === '-') return { reply: { is_error: true, text: line }, length: end + 2 }
  if (kind !== '$' || !/^(-1|\d{1,6})$/.test(line)) return 'wrong'
  const size = Number(line)
  if (size < 0) return { reply: { is_error: true, text: 'nothing' }, length: end + 2 }
  const begin = end + 2
  if (bytes.length < begin + size + 2) return 'more'
  return {
    reply: { is_error: false, text: bytes.toString('utf8', begin, begin + size) },
    length: begin + size + 2,
  }
}
