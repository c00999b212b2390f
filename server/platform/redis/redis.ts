import { createHash } from 'node:crypto'
import { setImmediate as oneTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'

/**
 * The way to a Redis (or Valkey) that several servers share. It only makes things faster: whoever uses it must get on
 * without it, so a command waits a quarter of a second at most, none waits for it to come back, and the client is
 * loaded only where a Redis is configured.
 */
export type Redis = {
  /** Runs a script by its hash. Throws where Redis is away, does not answer in time, or refuses. */
  run(script: Script, keys: readonly string[], values: readonly string[]): Promise<unknown>
  /** For how long it has answered without a break; null while it is away. */
  up_ms(): number | null
  /** Told each time it goes away, before anything else is asked of it. */
  onLost(listener: () => void): void
  close(): Promise<void>
}

export type Script = { text: string; hash: string }

export const script = (text: string): Script => ({
  text,
  hash: createHash('sha1').update(text).digest('hex'),
})

type Client = Awaited<ReturnType<typeof makeClient>>

const ANSWER_MS = 250
const RETRY_MS = 250
const PING_MS = 1000

export function openRedis(options: { url: string; log: Log; monotonic: () => number }): Redis {
  const { url, log, monotonic } = options
  const lost_listeners: (() => void)[] = []
  let client: Client | null = null
  let up_since_ms: number | null = null
  let is_told = false // that it is away
  let closed = false

  function lose(error: unknown): void {
    if (is_told) return
    is_told = true
    up_since_ms = null
    if (!closed) log.warn({ crossing: 'redis', err: error }, 'Redis is away; everything goes on without it')
    for (const tell of lost_listeners) tell()
  }

  async function send(args: string[]): Promise<unknown> {
    if (client === null || up_since_ms === null) throw new Error('Redis is away')
    try {
      return await inTime(client.sendCommand(args))
    } catch (error) {
      if (!isUnknownScript(error)) lose(error)
      throw error
    }
  }

  /** Up is what answers, not what is connected: a Redis that hangs is away too. */
  async function keepAsking(asked: Client): Promise<void> {
    while (!closed) {
      try {
        await inTime(asked.sendCommand(['PING']))
        if (up_since_ms === null) log.info({ crossing: 'redis' }, 'Redis answers')
        up_since_ms ??= monotonic()
        is_told = false
      } catch (error) {
        if (up_since_ms !== null) lose(error) // else it is on the way, or was told of
      }
      await sleep(up_since_ms === null ? RETRY_MS : PING_MS, undefined, { ref: false })
    }
  }

  makeClient(url, lose)
    .then((made) => {
      client = made
      return keepAsking(made)
    })
    .catch((error: unknown) => log.error({ crossing: 'redis', err: error }, 'Redis is not used'))

  return {
    run: (script, keys, values) => evaluate(send, script, keys, values),
    up_ms: () => (up_since_ms === null ? null : monotonic() - up_since_ms),
    onLost: (listener) => void lost_listeners.push(listener),
    close: async () => {
      closed = true
      client?.destroy()
    },
  }
}

/** It connects by itself, again and again. */
async function makeClient(url: string, lose: (error: unknown) => void) {
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 2000, reconnectStrategy: RETRY_MS },
  })
  client.on('error', lose)
  client.on('end', lose)
  client.connect().catch(lose)
  return client
}

/** By its hash; a Redis that does not know the script yet gets its text. */
async function evaluate(
  send: (args: string[]) => Promise<unknown>,
  { text, hash }: Script,
  keys: readonly string[],
  values: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...values]
  try {
    return await send(['EVALSHA', hash, ...rest])
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return send(['EVAL', text, ...rest])
  }
}

const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT')

function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = sleep(ANSWER_MS, null, { ref: false }).then(async () => {
    await oneTurn() // an answer that came while this process had no time is no fault of Redis
    throw new Error(`Redis did not answer within ${ANSWER_MS} ms`)
  })
  late.catch(() => {})
  return Promise.race([answer, late])
}
