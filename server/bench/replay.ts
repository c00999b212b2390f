import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { inMb, memoryOf } from './backlog_ground.ts'
import { openPlace } from './place.ts'
import type { Product } from './programs.ts'
import { INBOUND, OUTBOUND, type Side } from './replay_sides.ts'
import { printTable, rounded } from './report.ts'

/**
 * What failed is all taken up again by one replay, whose process is killed in the middle. Another goes on where it stood:
 * in the end each message was replayed once and is one event, or each delivery was replayed once and is delivered.
 */
const ROWS = 1_000_000
const KILLED_AT = 1 / 3
const LOOK_MS = 100
/** A lease that outlives its process, and a rate far below any that was seen. */
const patienceMs = (rows: number) => 120_000 + rows * 2

type Options = { rows?: number }

export const replay = (options: Options): Promise<void> => replayOf(INBOUND, options)
export const replayOut = (options: Options): Promise<void> => replayOf(OUTBOUND, options)

async function replayOf(side: Side, { rows = ROWS }: Options): Promise<void> {
  const place = await openPlace()
  try {
    const { tenant, wanted } = await side.open(place, rows)
    const key = randomBytes(24).toString('hex')
    const start = () => place.product('api,worker', { env: { TRILHO_ADMIN_KEY: key } })
    const ask = asker({ authorization: `Bearer ${key}`, 'trilho-tenant': tenant })
    const first = await start()
    const memory = [memoryOf(first.pid)]
    const since = new Date(Date.now() - 86_400_000).toISOString()
    const made = await ask(first, 'POST', side.path, { ...wanted, since })
    const began = performance.now()
    const path = `${side.path}/${made.id}`
    const killed_at = await until(rows, async () => {
      const { replayed } = await ask(first, 'GET', path)
      return replayed >= rows * KILLED_AT && replayed
    })
    process.kill(first.pid, 'SIGKILL')
    const down = performance.now()
    const second = await start()
    const stood_at = await until(rows, async () => {
      const { replayed } = await ask(second, 'GET', path)
      return replayed > killed_at && replayed
    })
    const resumed_after_ms = performance.now() - down
    const ended = await until(rows, async () => {
      const now = await ask(second, 'GET', path)
      return now.state === 'completed' && now
    })
    const put_back_ms = performance.now() - began
    await until(rows, async () => (await side.left(place.root)) === 0)
    memory.push(memoryOf(second.pid))
    report({
      of: side.of,
      rows,
      killed_at,
      stood_at,
      resumed_after_s: rounded(resumed_after_ms / 1000),
      put_back_per_s: rounded((rows * 1000) / put_back_ms),
      to_the_end_per_s: rounded((rows * 1000) / (performance.now() - began)),
      memory,
      counts: { total: made.total, replay: ended.replayed, ...(await side.reckon(place.root)) },
    })
  } finally {
    await place.close()
  }
}

type Replay = { id: string; state: string; total: number; replayed: number }

const asker =
  (headers: Record<string, string>) =>
  async ({ port }: Product, method: string, path: string, body?: object): Promise<Replay> => {
    const init = body && {
      body: JSON.stringify(body),
      headers: { ...headers, 'content-type': 'application/json' },
    }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...init })
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status} ${await response.text()}`)
    return (await response.json()) as Replay
  }

async function until<T>(rows: number, look: () => Promise<T | false>): Promise<T> {
  const give_up = performance.now() + patienceMs(rows)
  while (performance.now() < give_up) {
    const found = await look()
    if (found !== false) return found
    await sleep(LOOK_MS)
  }
  throw new Error('the replay did not get so far in time')
}

type Outcome = {
  of: string
  rows: number
  killed_at: number
  stood_at: number
  resumed_after_s: number
  put_back_per_s: number
  to_the_end_per_s: number
  memory: (number | null)[]
  counts: Record<string, number>
}

function report({ of, counts, memory, ...figures }: Outcome): void {
  const { rows, killed_at, resumed_after_s, put_back_per_s, to_the_end_per_s } = figures
  const ok = Object.values(counts).every((count) => count === rows)
  printTable([
    ['replay', 'seen'],
    [of, String(rows)],
    ['killed at', String(killed_at)],
    ['went on after', `${resumed_after_s} s`],
    ['put back to work, the kill included', `${put_back_per_s}/s`],
    ['to the end, the kill included', `${to_the_end_per_s}/s`],
    ['memory at the start and at the end', memory.map(inMb).join(', ')],
    [Object.keys(counts).join(', '), `${Object.values(counts).join(' ')}: ${ok ? 'exact' : 'WRONG'}`],
  ])
  console.log(JSON.stringify({ bench: 'replay', unit: `${of}/s`, ...figures, memory_mb: memory, counts, ok }))
}
