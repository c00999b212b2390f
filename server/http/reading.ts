import type { IncomingMessage } from 'node:http'
import type { App } from '../modules/app.ts'
import { once } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { createRoom, type Holder, hold, letGo, type Room } from '../platform/room.ts'

/**
 * What bodies hold of the memory of this process, from their first byte until they are answered: whoever holds back the
 * last byte keeps the others here for a minute. Webhooks, which come before anybody knows who sends them, and what the
 * API is asked, JSON or bytes, are counted apart, so that neither leaves no room for the other.
 */
export const readingWebhooks = once((app: App) =>
  newLine(() =>
    app.telemetry.count('trilho_inbound_messages_total', { provider: 'none', result: 'overloaded' }),
  ),
)
export const readingApi = once((_app: App) => newLine(() => {}))

type Line = Room & { tellFull(): void }
const newLine = (tellFull: () => void): Line => ({ ...createRoom(128), tellFull })

const NOTHING = Buffer.alloc(0)

/**
 * Reads a body, and calls `over` once: with it, or with why there is none. It holds its place until `letGo`, one that
 * is refused or breaks off none; what still comes of that is thrown away.
 */
export function readBody(
  line: Line,
  request: IncomingMessage,
  holder: Holder,
  limit: number,
  over: (fault: Problem | null, body: Buffer) => void,
): void {
  let pieces: Buffer[] | null = []
  let length = 0
  const announced = Number(request.headers['content-length'])
  if (announced > limit) {
    over(tooLarge(limit), NOTHING)
    return
  }
  const refuse = (fault: Problem) => {
    pieces = null
    letGo(holder)
    over(fault, NOTHING)
  }
  request.on('data', (piece: Buffer) => {
    if (!pieces) return
    length += piece.length
    if (length > limit) refuse(tooLarge(limit))
    else if (hold(line, holder, piece.length, piece.length === announced)) pieces.push(piece)
    else refuse(overloaded(line))
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

const tooLarge = (limit: number): Problem =>
  new Problem('body_too_large', { detail: `The body may hold at most ${limit} bytes. Send less.` })

function overloaded(line: Line): Problem {
  line.tellFull()
  const detail = 'more is being sent than can be held now; send it again'
  return new Problem('overloaded', { detail, retry_after_s: 2 })
}

const brokenOff = (): Problem =>
  new Problem('invalid_request', { field: 'body', detail: 'The connection ended before the body did.' })
