import { AMQPView } from '@cloudamqp/amqp-client/amqp-view'

/**
 * What a broker of AMQP says, cut into frames and looked at before the client reads it: the client trusts each length
 * that it is told, throws where one is wrong, and would go round for ever where one is below nothing.
 */

/** As we tell the broker; also the longest that it may send. */
export const FRAME_BYTES = 131_072
/** All that has a body here is a message of ours that comes back. */
const MOST_BODY_BYTES = 64 * 1024 * 1024
const HEAD_BYTES = 7
const END_BYTES = 1

/** Of the client: where it reads frames, and what it holds of a message whose body is still to come. */
export type Reader = {
  parseFrames(view: AMQPView): void
  channels: (Partial<Record<(typeof HELD)[number], { bodySize?: number }>> | undefined)[]
}

const HELD = ['returned', 'delivery', 'getMessage'] as const

/** `take` is false when what came is not of this protocol. */
export function createFrames(reader: Reader): { take(chunk: Buffer): boolean } {
  let rest = Buffer.alloc(0)
  return {
    take(chunk) {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        if (rest.length < HEAD_BYTES) return true
        const size = HEAD_BYTES + rest.readUInt32BE(3) + END_BYTES
        if (size > FRAME_BYTES) return false
        if (rest.length < size) return true
        if (!read(reader, rest.subarray(0, size))) return false
        rest = rest.subarray(size)
      }
    },
  }
}

function read(reader: Reader, frame: Buffer): boolean {
  try {
    // In memory of its own: a text that claims to be longer than its frame is not to hold what lies behind it.
    reader.parseFrames(new FrameView(new Uint8Array(frame).buffer))
  } catch {
    return false
  }
  return !reader.channels.some((channel) =>
    HELD.some((name) => (channel?.[name]?.bodySize ?? 0) > MOST_BODY_BYTES),
  )
}

class FrameView extends AMQPView {
  /** Nobody here reads a table, and one can be made that takes for ever: what is inside may be told twice at each depth. */
  override getTable(at: number): [Record<string, never>, number] {
    return [{}, 4 + this.getUint32(at)]
  }

  /** The client would write a line of warning for each. */
  override getUint64(at: number): number {
    const number = this.getBigUint64(at)
    if (number > Number.MAX_SAFE_INTEGER) throw new RangeError('a number out of range')
    return Number(number)
  }
}
