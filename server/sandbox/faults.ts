import { remember, type SandboxRequest } from './wire.ts'

/**
 * What a request may be told to meet, in the header or query parameter `x-sandbox-fault`:
 * `status=500;times=2` answers 500 twice and then works, `status=429;retry_after=1` asks to wait,
 * `latency=200` answers 200 ms late, `drop` cuts the connection before anything is done, `cut` does the work
 * and then cuts it, `garble` answers 200 with a page of HTML. Without `times` every such request meets it.
 * `times` counts per method, path and fault, or per `key` where one is given.
 */
export type Fault = {
  text: string
  latency_ms: number
  status: number | null
  retry_after: string | null
  act: 'drop' | 'cut' | 'garble' | null
}

export type Faults = { meet(request: SandboxRequest): Fault | null }

export const FAULT = 'x-sandbox-fault'

export function createFaults(): Faults {
  const met = new Map<string, number>()
  return {
    meet(request) {
      const text = request.headers[FAULT] ?? request.query.get(FAULT)
      if (typeof text !== 'string' || text === '') return null
      const parts = readParts(text)
      const times = Number(parts.get('times') ?? Number.POSITIVE_INFINITY)
      const key = parts.get('key') ?? `${request.method} ${request.path} ${text}`
      const before = met.get(key) ?? 0
      if (before >= times) return null
      remember(met, key, before + 1, 50_000)
      return toFault(text, parts)
    },
  }
}

function readParts(text: string): Map<string, string> {
  const pairs = text.split(';').map((part) => part.trim().split('=', 2) as [string, string | undefined])
  return new Map(pairs.map(([name, value]) => [name, value ?? '']))
}

function toFault(text: string, parts: Map<string, string>): Fault {
  const status = Number(parts.get('status') ?? Number.NaN)
  const act = (['drop', 'cut', 'garble'] as const).find((name) => parts.has(name))
  return {
    text,
    latency_ms: Math.min(Number(parts.get('latency')) || 0, 120_000),
    status: status >= 200 && status <= 599 ? status : null,
    retry_after: parts.get('retry_after') ?? null,
    act: act ?? null,
  }
}
