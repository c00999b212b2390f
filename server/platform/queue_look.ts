import { type Db, once } from './database/database.ts'
import { LOOK_EVERY_MS, type Look } from './queue.ts'

/**
 * The look for work that nobody told of: put in by a process that died before it could tell, or told while the line was
 * down. One statement asks when the first of each queue is due, for all loops of a process; an idle one runs nothing else.
 * Where PostgreSQL does not answer every loop is woken, and tries by itself until it does.
 */
type Watched = { soonest: string; tell: (in_ms: number) => void }

/** `soonest` is a select of one value, the first `due` there is. */
export const lookAt =
  (db: Db, soonest: string): Look =>
  (tell) =>
    looks(db)({ soonest, tell })

const looks = once((db: Db) => createLooks(db, LOOK_EVERY_MS))

export function createLooks(db: Db, every_ms: number): (one: Watched) => () => void {
  const watched = new Set<Watched>()
  let timer: NodeJS.Timeout | null = null

  async function look(): Promise<void> {
    timer = null
    const all = [...watched]
    const waits = await firstDue(
      db,
      all.map(({ soonest }) => soonest),
    ).catch(() => all.map(() => 0))
    all.forEach((one, at) => {
      const in_ms = waits[at] ?? null
      if (in_ms !== null && watched.has(one)) one.tell(in_ms)
    })
    if (watched.size > 0) timer ??= again()
  }

  const again = () => setTimeout(() => void look(), every_ms)

  return (one) => {
    watched.add(one)
    timer ??= again()
    return () => {
      watched.delete(one)
      if (watched.size > 0 || timer === null) return
      clearTimeout(timer)
      timer = null
    }
  }
}

/** In how many milliseconds each falls due; null where there is nothing. */
async function firstDue(db: Db, selects: string[]): Promise<(number | null)[]> {
  const waits = selects.map((soonest) => `extract(epoch from (${soonest}) - now())::float8 * 1000`)
  const { rows } = await db.pool.query<{ waits: (number | null)[] }>(
    `select array[${waits.join(', ')}]::float8[] as waits`,
  )
  return rows[0]?.waits ?? []
}
