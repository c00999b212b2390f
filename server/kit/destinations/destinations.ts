import type { Egress } from '../../platform/egress/egress.ts'
import { readAmqp } from './amqp.ts'
import { readKafka } from './kafka.ts'
import { readNats } from './nats.ts'
import { inSession } from './pool.ts'
import { readRedis } from './redis.ts'
import {
  type Destination,
  type DestinationAuth,
  type Landing,
  lost,
  type Message,
  type Reader,
  wasSent,
} from './session.ts'
import { readSqs } from './sqs.ts'

export type { Destination, DestinationAuth, Landing, Message } from './session.ts'

/**
 * Where an event can go besides an address of HTTP: RabbitMQ, Kafka, NATS, Redis Streams and SQS. The scheme of the
 * URL says which. A message is accepted when the broker has confirmed it; where no confirmation was seen, that is
 * told as unknown, and whoever sends it again does so under the same id.
 */
const READERS: Record<string, Reader> = {
  amqp: readAmqp,
  amqps: readAmqp,
  kafka: readKafka,
  kafkas: readKafka,
  nats: readNats,
  natss: readNats,
  redis: readRedis,
  rediss: readRedis,
  sqs: readSqs,
}

/** The destination; why the address is none, in words; null where its scheme is none of ours. */
export function readDestination(text: string): Destination | string | null {
  const scheme = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase() ?? ''
  const read = Object.hasOwn(READERS, scheme) ? READERS[scheme] : undefined
  if (!read) return null
  if (/\/\/[^/]*@/.test(text)) return 'must hold no user name or password; they go into auth'
  if (text.includes('#')) return 'must hold no #; what it means in a name is written %23'
  return read(text)
}

export type Publication = {
  destination: Destination
  auth: DestinationAuth | null
  message: Message
  /** From the first step of connecting to the confirmation. */
  timeout_ms: number
}

/** Never throws for the other side's trouble. */
export async function publish(egress: Egress, publication: Publication): Promise<Landing> {
  const { destination, auth, message, timeout_ms } = publication
  const deadline = deadlineOf(timeout_ms)
  try {
    const work = inSession({ egress, auth, timeout_ms }, destination, (session) => {
      deadline.begin() // throws where the time went by while the session was opened
      return Promise.race([session.publish(destination.target, message, timeout_ms), deadline.over])
    })
    return await Promise.race([work, deadline.over])
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return { kind: 'error', sent: deadline.begun() && wasSent(error), message: words }
  } finally {
    deadline.clear()
  }
}

function deadlineOf(timeout_ms: number) {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {}) // it may pass with nobody waiting
  let is_begun = false
  let is_over = false
  const timer = setTimeout(() => {
    is_over = true
    reject(lost(is_begun, `no ${is_begun ? 'confirmation' : 'connection'} within ${timeout_ms} ms`))
  }, timeout_ms)
  return {
    over: promise,
    begin: () => {
      if (is_over) throw lost(false, `no connection within ${timeout_ms} ms`)
      is_begun = true
    },
    begun: () => is_begun,
    clear: () => clearTimeout(timer),
  }
}
