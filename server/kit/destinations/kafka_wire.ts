import { createRequire } from 'node:module'
import { Duplex } from 'node:stream'
import type { ISocketFactoryArgs } from 'kafkajs'
import type { Opening } from './session.ts'
import { openSocket } from './socket.ts'

/** What a broker of Kafka says, looked at before the client reads it: it would keep as much as it is told will come. */

/** A list of thousands of partitions is shorter. */
const MOST_BYTES = 16 * 1024 * 1024
const SIZE_BYTES = 4

/** `take` is false when an answer says that it is longer than any is. */
function createSizes(): { take(chunk: Buffer): boolean } {
  let size = Buffer.alloc(0)
  let left = 0
  return {
    take(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const step = Math.min(left || SIZE_BYTES - size.length, chunk.length - at)
        if (left > 0) left -= step
        else size = Buffer.concat([size, chunk.subarray(at, at + step)])
        at += step
        if (size.length < SIZE_BYTES) continue
        left = size.readUInt32BE()
        size = Buffer.alloc(0)
        if (left > MOST_BYTES) return false
      }
      return true
    },
  }
}

const nonsense = () => new Error('the answer is not that of a Kafka')

type Decoder = { buffer: Buffer; offset: number }
type Reads = Record<'readString' | 'readBytes' | 'readArray', (this: Decoder, ...args: unknown[]) => unknown>

/**
 * The client believes the lengths inside of an answer, too: a text below nothing leads back to what was read already, and
 * a list of two billion of those has no end. What is in an answer is at most as long as the rest of it, or null (-1).
 */
function boundLengths(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/protocol/decoder') as { prototype: Decoder & Reads }
  const lengths = { readString: 2, readBytes: 4, readArray: 4 } as const
  for (const name of Object.keys(lengths) as (keyof Reads)[]) {
    const read = prototype[name]
    prototype[name] = function (...args) {
      if (name === 'readBytes' && args.length > 0) return read.apply(this, args) // told by whom it asks
      const size = lengths[name]
      const length = this.buffer.readIntBE(this.offset, size)
      if (length < -1 || length > this.buffer.length - this.offset - size) throw nonsense()
      return read.apply(this, args)
    }
  }
}

boundLengths()

/** Brokers ask for 4,096 and say so by default; each costs the work of one more hash, in threads that all connections share. */
const MOST_ITERATIONS = 200_000

type Scram = { hi(password: string, salt: Buffer, iterations: number, digest: unknown): Promise<Buffer> }

/** The client hashes a password as often as the broker says, however often that is; it refuses too few by itself. */
function boundIterations(): void {
  const require = createRequire(import.meta.url)
  const { SCRAM } = require('kafkajs/src/broker/saslAuthenticator/scram') as { SCRAM: Scram }
  const hash = SCRAM.hi
  SCRAM.hi = async (password, salt, iterations, digest) => {
    if (iterations <= MOST_ITERATIONS) return hash(password, salt, iterations, digest)
    throw new Error(`the broker asks for ${iterations} iterations of SCRAM, more than ${MOST_ITERATIONS}`)
  }
}

boundIterations()

/** The sockets of one session. After its end there are no more of them, whatever the client tries again. */
export type Sockets = { open(wanted: ISocketFactoryArgs): Duplex; end(): void }

export function createSockets(opening: Opening, is_tls: boolean): Sockets {
  const sockets = new Set<Duplex>()
  let is_over = false
  const over = () => new Error('the session was ended')
  return {
    open: (wanted) => {
      const socket = guarded(opening, wanted, is_tls)
      sockets.add(socket.once('close', () => sockets.delete(socket)))
      return is_over ? socket.destroy(over()) : socket
    },
    end: () => {
      is_over = true
      for (const socket of sockets) socket.destroy(over())
    },
  }
}

/** The client wants a socket at once and is told when it is open: every broker it hears of is reached by the guarded way. */
function guarded(opening: Opening, { host, port, onConnect }: ISocketFactoryArgs, is_tls: boolean): Duplex {
  let inner: Duplex | null = null
  const sizes = createSizes()
  const outer = new Duplex({
    construct(done) {
      openSocket(opening, { host, port, is_tls }).then((socket) => {
        inner = socket.unref()
        socket.on('data', (chunk) => {
          if (!sizes.take(chunk)) outer.destroy(nonsense())
          else if (!outer.push(chunk)) socket.pause()
        })
        socket.on('end', () => outer.push(null))
        socket.on('error', (error) => outer.destroy(error))
        socket.on('close', () => outer.destroy())
        done()
        onConnect()
      }, done)
    },
    read: () => void inner?.resume(),
    write: (chunk, encoding, done) => void (inner ? inner.write(chunk, encoding, done) : done()),
    final: (done) => void (inner ? inner.end(done) : done()),
    destroy: (error, done) => {
      inner?.destroy()
      done(error)
    },
  })
  const on = outer.on.bind(outer)
  return Object.assign(outer, {
    unref: () => outer,
    ref: () => outer,
    on: (event: string, listener: Listener) =>
      on(event, event === 'data' ? caught(outer, listener) : listener),
  })
}

type Listener = (...args: unknown[]) => void

/** It reads in the callback of a socket, where nobody catches what it throws at an answer that is too short. */
const caught =
  (outer: Duplex, listener: Listener): Listener =>
  (...args) => {
    try {
      listener(...args)
    } catch {
      outer.destroy(nonsense())
    }
  }
