import type { Socket } from 'node:net'
import { lost } from './session.ts'

/** What a NATS server says: lines, some of them followed by as many bytes as they announce. */

export type Frame =
  | { kind: 'ping' }
  | { kind: 'pong' }
  | { kind: 'error'; words: string }
  | { kind: 'message'; subject: string; head: string; body: Buffer }

export type Info = { max_payload: number }

/** Answers to what we send are short. */
const MOST_BYTES = 256 * 1024
const MOST_LINE = 64 * 1024

/** The greeting, which comes before TLS, and what came after it. */
export function readInfo(socket: Socket, timeout_ms: number): Promise<{ info: Info; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const fail = (words: string) => {
      stop()
      socket.destroy()
      reject(lost(false, words))
    }
    const deadline = setTimeout(
      () => fail(`no greeting of a NATS server within ${timeout_ms} ms`),
      timeout_ms,
    )
    const onError = (error: Error) => fail(error.message)
    const onClose = () => fail('the connection was closed before a greeting')
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n')
      if (end < 0)
        return bytes.length > MOST_LINE ? fail('the greeting is not that of a NATS server') : undefined
      const info = toInfo(bytes.toString('utf8', 0, end))
      if (!info) return fail('the greeting is not that of a NATS server')
      stop()
      return resolve({ info, rest: bytes.subarray(end + 2) })
    }
    const stop = () => {
      clearTimeout(deadline)
      socket.off('error', onError).off('close', onClose).off('data', onData)
    }
    socket.on('error', onError).on('close', onClose).on('data', onData)
  })
}

const MOST_PAYLOAD = 1_048_576

function toInfo(line: string): Info | null {
  try {
    if (!/^INFO\s/i.test(line)) return null
    const { max_payload } = JSON.parse(line.slice(5)) as Partial<Info>
    return { max_payload: typeof max_payload === 'number' ? max_payload : MOST_PAYLOAD }
  } catch {
    return null
  }
}

/** `take` is false when what came is not of this protocol. */
export function createFrames(onFrame: (frame: Frame) => void): { take(chunk: Buffer): boolean } {
  let rest = Buffer.alloc(0)
  return {
    take(chunk) {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const end = rest.indexOf('\r\n')
        if (end > MOST_LINE) return false
        if (end < 0) return rest.length <= MOST_LINE
        const read = readFrame(rest.toString('utf8', 0, end), rest.subarray(end + 2))
        if (read === 'more') return true // of a size that was looked at
        if (read === 'wrong') return false
        rest = rest.subarray(end + 2 + read.length)
        if (read.frame) onFrame(read.frame)
      }
    },
  }
}

type Read = { frame: Frame | null; length: number } | 'more' | 'wrong'

function readFrame(line: string, after: Buffer): Read {
  const [word = '', ...args] = line.split(/\s+/)
  const bare = (frame: Frame | null): Read => ({ frame, length: 0 })
  switch (word.toUpperCase()) {
    case 'PING':
      return bare({ kind: 'ping' })
    case 'PONG':
      return bare({ kind: 'pong' })
    case 'INFO':
    case '+OK':
      return bare(null)
    case '-ERR':
      return bare({ kind: 'error', words: line.slice(5).trim().replace(/^'|'$/g, '') })
    case 'MSG':
      return readMessage(args[0], 0, sizeOf(args.at(-1)), after)
    case 'HMSG':
      return readMessage(args[0], sizeOf(args.at(-2)), sizeOf(args.at(-1)), after)
    default:
      return 'wrong'
  }
}

/** Digits and no more: a size below nothing would leave what was read to be read again, for ever. */
const sizeOf = (text = ''): number => (/^\d{1,6}$/.test(text) ? Number(text) : Number.NaN)

function readMessage(subject = '', head_size: number, size: number, after: Buffer): Read {
  if (!(head_size <= size && size <= MOST_BYTES)) return 'wrong'
  if (after.length < size + 2) return 'more'
  const head = after.toString('utf8', 0, head_size)
  return {
    frame: { kind: 'message', subject, head, body: after.subarray(head_size, size) },
    length: size + 2,
  }
}
