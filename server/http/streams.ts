import type { Socket } from 'node:net'
import type { Http } from '../modules/app.ts'

/**
 * Requests whose room reads the body itself, as it comes. The time Node gives a whole request is not for them: the room
 * says how long they may stand still, and how long they may take.
 */
const streaming = new WeakSet<Socket>()

export const isStreaming = (socket: Socket): boolean => streaming.has(socket)

/** What is still on its way once the answer has left is thrown away for so long, so that the caller gets to read it. */
const LINGER_MS = 5000

export function markStreams(http: Http): void {
  http.addHook('onRequest', (request, reply, done) => {
    done()
    if (!request.routeOptions.config.streams) return
    const { raw } = request
    streaming.add(raw.socket)
    reply.raw.once('close', () => {
      streaming.delete(raw.socket)
      if (raw.complete || raw.socket.destroyed) return
      raw.resume()
      setTimeout(() => raw.complete || raw.socket.destroy(), LINGER_MS).unref()
    })
  })
}
