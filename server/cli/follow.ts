import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { EXIT, type Failure, type Io, isFailure, type PageOf } from './output.ts'

/**
 * Follows a list that only knows "newest first": asks for the newest page once a second and goes back, by the list's
 * own cursor, until it meets what it has seen. What it has seen is kept by id, not as a mark: ids are made before
 * they are committed, so a row may appear below one that is already there.
 */
export type Item = { id: string; state?: string; attempts?: number }

export type Followed<Row extends Item> = {
  path: string
  query: Record<string, string | undefined>
  /** What is new or has changed, oldest first. */
  on: (rows: Row[]) => void | Promise<void>
  /** The past has been read: whatever comes from now on is handed over. */
  ready: () => void
}

const PAGE = 200
const MOST_PAGES = 50
const EVERY_MS = 1_000

/**
 * Runs until `stopped`. The newest `last` rows are handed over at once; a server that goes away is waited for. Throws
 * what the server refuses.
 */
export async function follow<Row extends Item>(
  client: Client,
  io: Pick<Io, 'err'>,
  stopped: AbortSignal,
  list: Followed<Row> & { last: number },
): Promise<void> {
  const first = await newest(client, list, () => true)
  let seen = new Map(first.map((row) => [row.id, markOf(row)]))
  const floor = first.length < PAGE ? '' : (first.at(-1)?.id ?? '')
  if (list.last > 0) await list.on(first.slice(0, list.last).reverse())
  list.ready()
  let away = false
  while (await pause(stopped)) {
    try {
      const rows = await newest(client, list, (row) => seen.has(row.id) || row.id < floor)
      if (away) io.err('The server answers again.')
      away = false
      const fresh = rows.filter((row) => row.id >= floor && seen.get(row.id) !== markOf(row))
      if (fresh.length > 0) await list.on(fresh.sort((a, b) => (a.id < b.id ? -1 : 1)))
      seen = remembered(seen, rows) // afterwards: what could not be handed over comes again
    } catch (error) {
      if (!isFailure(error) || isFinal(error)) throw error
      if (!away) io.err(`${error.message} Waiting for it.`)
      away = true
    }
  }
}

/** Too many requests is a no for now. */
const isFinal = ({ exit_code, detail }: Failure): boolean =>
  exit_code === EXIT.refused && detail['code'] !== 'rate_limited'

/** A change of state or another attempt is worth another line. */
const markOf = ({ state, attempts }: Item): string => `${state} ${attempts}`

/** Pages from the newest on, until one holds a row where we may stop. */
async function newest<Row extends Item>(
  client: Client,
  { path, query }: Followed<Row>,
  stop: (row: Row) => boolean,
): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const { data, next_cursor } = await client.get<PageOf<Row>>(path, {
      ...query,
      limit: String(PAGE),
      cursor,
    })
    rows.push(...data)
    if (!next_cursor || data.some(stop)) break
    cursor = next_cursor
  }
  return rows
}

const MOST_SEEN = 20_000

function remembered(seen: Map<string, string>, rows: Item[]): Map<string, string> {
  for (const row of rows) seen.set(row.id, markOf(row))
  return seen.size <= MOST_SEEN ? seen : new Map([...seen].slice(-MOST_SEEN / 2))
}

const pause = (stopped: AbortSignal): Promise<boolean> =>
  sleep(EVERY_MS, true, { signal: stopped }).catch(() => false)
