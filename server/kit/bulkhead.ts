/**
 * A bound on how many calls of one connection are under way at once in this process, so that a vendor that hangs
 * cannot hold everything that the process has. A few more may stand in line; the rest is turned away.
 */
export type Bulkhead = {
  /**
   * True with a place, which `leave` gives back; false where the line is full, after `wait_ms` in it, or once `signal`
   * says that nobody waits for it any more.
   */
  enter(wait_ms: number, signal?: AbortSignal): boolean | Promise<boolean>
  leave(): void
  under_way(): number
  in_line(): number
}

type Waiter = (entered: boolean) => void

export function createBulkhead({ most, queue }: { most: number; queue: number }): Bulkhead {
  const line = new Set<Waiter>()
  let under_way = 0

  function wait(wait_ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((settle) => {
      const waiter = (entered: boolean) => {
        line.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        settle(entered)
      }
      const giveUp = () => waiter(false)
      const timer = setTimeout(giveUp, wait_ms)
      signal?.addEventListener('abort', giveUp)
      line.add(waiter)
    })
  }

  return {
    enter: (wait_ms, signal) => {
      if (under_way < most) {
        under_way += 1
        return true
      }
      const may_wait = line.size < queue && wait_ms > 0 && !signal?.aborted
      return may_wait ? wait(wait_ms, signal) : false
    },
    leave: () => {
      const [first] = line
      if (first)
        first(true) // the place goes on to who waited longest
      else under_way -= 1
    },
    under_way: () => under_way,
    in_line: () => line.size,
  }
}
