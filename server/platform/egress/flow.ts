import type { Writable } from 'node:stream'

/**
 * A body that is passed on as it comes, and an answer that is taken as it comes: neither is ever held, and who is slow
 * slows the other side down.
 */
export type EgressStream = {
  /** Null where nothing is sent. Not read before there is a connection; what it throws ends the request. */
  source: AsyncIterable<Uint8Array> | null
  /** Bytes of the source, as they were announced; in chunks where nobody said. */
  length: number | null
  /** So much of either side is kept for the record. */
  keep_bytes: number
  /** Where the answer goes, called once its head is there. It is ended with it, or destroyed where that is cut off. */
  open(head: AnswerHead): Writable
}

export type AnswerHead = { status: number; headers: Record<string, string> }

/** What became of a stream. */
export type Flowed = {
  /** Some of it was asked for or given out: it cannot be had again. */
  begun: boolean
  sent_bytes: number
  received_bytes: number
  /** The first of what was sent. */
  sent_head: Buffer[]
}

/** Told who is waited for: only the other side can be late. */
export type Watch = { theirs(): void; ours(): void }

export const newFlow = (): Flowed => ({ begun: false, sent_bytes: 0, received_bytes: 0, sent_head: [] })

/** The source, counted; a piece is asked for only once the one before it has been taken. */
export async function* passOn(
  source: AsyncIterable<Uint8Array>,
  flow: Flowed,
  keep_bytes: number,
  watch: Watch,
): AsyncGenerator<Uint8Array> {
  flow.begun = true
  watch.ours()
  for await (const piece of source) {
    watch.theirs()
    const room = keep_bytes - flow.sent_bytes
    if (room > 0) flow.sent_head.push(Buffer.from(piece.subarray(0, room)))
    flow.sent_bytes += piece.length
    yield piece
    watch.ours()
  }
  watch.theirs()
}
