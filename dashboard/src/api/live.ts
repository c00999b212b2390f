import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { spokenHeaders } from './client.ts'
import { refreshSeen } from './hooks.ts'

/** What crosses the border right now, as `GET /v1/live` tells it. */
export type Happening = { kind: string; id: string; at: string; state?: string } & Record<string, unknown>

/** Which lists a kind of happening makes old. */
const CHANGES: Record<string, string[]> = {
  call: ['calls', 'overview', 'stories'],
  message: ['messages', 'quarantine', 'overview', 'stories'],
  event: ['events', 'stories', 'alerts', 'payments', 'disputes', 'cards', 'banks', 'transfers'],
  delivery: ['deliveries', 'overview', 'stories'],
  breaker: ['connections', 'overview'],
}
/** Lists are read again at most this often, however much happens. */
const CALM_MS = 2_000
const AGAIN_MS = 3_000

/** Keeps what is on the screen fresh for as long as somebody looks at it. */
export function useLive(enabled: boolean): void {
  const client = useQueryClient()
  const old = useRef(new Set<string>())
  useEffect(() => {
    if (!enabled) return
    const stop = listen(({ kind }) => {
      for (const list of CHANGES[kind] ?? []) old.current.add(list)
    })
    const timer = setInterval(() => {
      if (old.current.size === 0 || document.hidden) return
      refreshSeen(client, [...old.current])
      old.current.clear()
    }, CALM_MS)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [client, enabled])
}

/** Calls back for each happening until it is stopped; a stream that ends is opened again. */
export function listen(told: (happening: Happening) => void): () => void {
  const ending = new AbortController()
  const run = async () => {
    let after: string | null = null
    while (!ending.signal.aborted) {
      const reached: string | null = await follow(told, after, ending.signal).catch(() => null)
      after = reached ?? after
      if (reached === null) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  void run()
  return () => ending.abort()
}

/** Follows one stream to its end, and says how far it told; null where it told nothing. */
async function follow(
  told: (happening: Happening) => void,
  after: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  // EventSource could not say which tenant is looked at.
  const query = after === null ? '' : `?after=${encodeURIComponent(after)}`
  const response = await fetch(`/v1/live${query}`, { headers: spokenHeaders(), signal })
  if (!response.ok || !response.body) return null
  let text = ''
  let reached: string | null = null
  for await (const part of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    const blocks = (text + part).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      reached = /^id: ?(.*)$/m.exec(block)?.[1] ?? reached
      const data = /^data: ?(.*)$/m.exec(block)?.[1]
      if (data) told(JSON.parse(data) as Happening)
    }
  }
  return reached
}

async function* chunks(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}
