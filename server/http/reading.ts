import type { IncomingMessage } from 'node:http'
import type { App } from '../modules/app.ts'
import { once } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'

/**
 * What the bodies of webhooks hold of the memory of this process, from their first byte until they are answered: all of
 * them come before anybody knows who sends them, and whoever holds back the last byte keeps the others here for a minute.
 */
export const reading = once((_app: App) => ({ bytes: 0, most_bytes: 128 * 1024 * 1024 }))

/** Who answers for a body that is read, and what it holds. */
export type Holder = { held_bytes: number }

/** What a piece costs beside its bytes, measured: without it a body in pieces of a byte would hold 500 times what is counted. */
const PIECE_BYTES = 512

/** The rest is for what comes whole in one piece, which nobody can hold back: small senders are served beside a flood. */
const SHARE_OF_PIECES = 0.75

const NOTHING = Buffer.alloc(0)

/**
 * Reads a body, and calls `over` once: with it, or with why there is none. It holds its place until `letGo`, one that
 * is refused or breaks off none; what still comes of that is thrown away.
 */
export function readBody(
  app: App,
  request: IncomingMessage,
  holder: Holder,
  limit: number,
  over: (fault: Problem | null, body: Buffer) => void,
): void {
  let pieces: Buffer[] | null = []
  let length = 0
  const refuse = (fault: Problem) => {
    pieces = null
    letGo(app, holder)
    over(fault, NOTHING)
  }
  request.on('data', (piece: Buffer) => {
    if (!pieces) return
    length += piece.length
    if (length > limit) refuse(tooLarge(limit))
    else if (hold(app, request, holder, piece)) pieces.push(piece)
    else refuse(overloaded(app))
  })
  request.on('end', () => {
    if (!pieces) return
    const [only] = pieces
    const whole = only && pieces.length === 1 ? only : Buffer.concat(pieces)
    pieces = null
    over(null, whole)
  })
  request.on('close', () => {
    if (pieces) refuse(brokenOff())
  })
}

function hold(app: App, request: IncomingMessage, holder: Holder, piece: Buffer): boolean {
  const all = reading(app)
  const bytes = piece.length + PIECE_BYTES
  const after = all.bytes + bytes
  if (after > all.most_bytes * SHARE_OF_PIECES) {
    const is_whole = piece.length === Number(request.headers['content-length'])
    if (!is_whole || after > all.most_bytes) return false
  }
  all.bytes = after
  holder.held_bytes += bytes
  return true
}

/** Once for each answer at least; more often changes nothing. */
export function letGo(app: App, holder: Holder): void {
  reading(app).bytes -= holder.held_bytes
  holder.held_bytes = 0
}

export const tooLarge = (limit: number): Problem =>
  new Problem('body_too_large', { detail: `The body may hold at most ${limit} bytes. Send less.` })

function overloaded(app: App): Problem {
  app.telemetry.count('trilho_inbound_messages_total', { provider: 'none', result: 'overloaded' })
  const detail = 'more is being sent than can be held now; send it again'
  return new Problem('overloaded', { detail, retry_after_s: 2 })
}

const brokenOff = (): Problem =>
  new Problem('invalid_request', { field: 'body', detail: 'The connection ended before the body did.' })
