import { PassThrough, type Readable } from 'node:stream'
import { Problem } from '../../platform/errors.ts'
import { HUNG_UP } from './deadline.ts'

/** `bytes` in either direction; `patience_ms` is how long the caller may stand still, `all_ms` how long all may take. */
export type Bounds = { bytes: number; patience_ms: number; all_ms: number }

/** The caller's side of a stream. */
export type Caller = {
  /** Aborted where they are gone, send too much, stand still or take too long: no fault of the vendor. */
  signal: AbortSignal
  /** What they send, counted. */
  read(body: Readable): AsyncGenerator<Uint8Array>
  /** What they are to get. */
  write(): PassThrough
  end(): void
}

export function watchCaller(hung_up: AbortSignal, bounds: Bounds): Caller {
  const gone = new AbortController()
  let answer: PassThrough | null = null
  let awaited = false
  let moves = 0
  const isLate = lateness(() => (awaited || answer?.writableNeedDrain ? moves : null))
  const looking = setInterval(() => {
    if (isLate()) gone.abort(tooSlow(`stood still for ${bounds.patience_ms / 2000} s`))
  }, bounds.patience_ms / 2)
  const ending = setTimeout(() => gone.abort(tooSlow(`took over ${bounds.all_ms / 1000} s`)), bounds.all_ms)

  async function* read(body: Readable): AsyncGenerator<Uint8Array> {
    let bytes = 0
    awaited = true
    try {
      // Not ended with us: the caller is to hear why.
      for await (const piece of body.iterator({ destroyOnReturn: false })) {
        awaited = false
        moves += 1
        bytes += piece.length
        if (bytes > bounds.bytes) throw tooLarge(bounds)
        yield piece
        awaited = true
      }
    } catch (error) {
      gone.abort(error instanceof Problem ? error : new Error(HUNG_UP))
      throw error
    } finally {
      awaited = false
    }
  }

  function write(): PassThrough {
    answer = new PassThrough()
    answer.on('drain', () => {
      moves += 1
    })
    answer.on('error', () => {}) // that it was cut off shows at its reader
    return answer
  }

  function end(): void {
    clearInterval(looking)
    clearTimeout(ending)
  }

  return { signal: AbortSignal.any([hung_up, gone.signal]), read, write, end }
}

/** Asked twice in a row, it finds the same count of moves. `stuckAt` is null where nobody waits for the caller. */
function lateness(stuckAt: () => number | null): () => boolean {
  let seen: number | null = null
  return () => {
    const before = seen
    seen = stuckAt()
    return seen !== null && seen === before
  }
}

export const tooLarge = ({ bytes }: Bounds): Problem =>
  new Problem('body_too_large', { detail: `A stream may hold at most ${bytes} bytes. Send less.` })

const tooSlow = (what: string): Problem =>
  new Problem('invalid_request', {
    field: 'body',
    detail: `The stream ${what}. Send and read it without pauses.`,
  })
