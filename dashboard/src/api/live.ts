import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { spokenHeaders } from './client.ts'
import { refresh } from './hooks.ts'

/** What crosses the border right now, as `GET /v1/live` tells it. */
export type Happening = { kind: string; id: string; at: string; state?: string } & Record<string, unknown>

/** Which lists a kind of happening makes old. */
const CHANGES: Record<string, string[]> = {
  call: ['calls', 'overview', 'stories'],
  message: ['messages', 'quarantine', 'overview', 'stories'],
  event: ['events', 'stories'],
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
      refresh(client, [...old.current])
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
    while (!ending.signal.aborted) {
      await follow(told, ending.signal).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  void run()
  return () => ending.abort()
}

async function follow(told: (happening: Happening) => void, signal: AbortSignal): Promise<void> {
  // EventSource could not say which tenant is looked at.
  const response = await fetch('/v1/live', { headers: spokenHeaders(), signal })
  if (!response.ok || !response.body) return
  let text = ''
  for await (const part of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    const blocks = (text + part).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1]
      if (data) told(JSON.parse(data) as Happening)
    }
  }
}

async function* chunks(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}
