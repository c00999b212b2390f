/**
 * A bound on how many calls of one connection are under way at once in this process, so that a vendor that hangs
 * cannot hold everything that the process has. A few more may stand in line; the rest is turned away.
 */
export type Bulkhead = {
  /** True with a place, which `leave` gives back; false where the line is full, or after `wait_ms` in it. */
  enter(wait_ms: number): boolean | Promise<boolean>
  leave(): void
  under_way(): number
  in_line(): number
}

type Waiter = { settle: (entered: boolean) => void; timer: NodeJS.Timeout }

export function createBulkhead({ most, queue }: { most: number; queue: number }): Bulkhead {
  const line = new Set<Waiter>()
  let under_way = 0

  function wait(wait_ms: number): Promise<boolean> {
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        line.delete(waiter)
        settle(false)
      }, wait_ms)
      const waiter = { settle, timer }
      line.add(waiter)
    })
  }

  return {
    enter: (wait_ms) => {
      if (under_way < most) {
        under_way += 1
        return true
      }
      return line.size < queue && wait_ms > 0 ? wait(wait_ms) : false
    },
    leave: () => {
      const [first] = line
      if (!first) {
        under_way -= 1
        return
      }
      line.delete(first) // the place goes on to who waited longest
      clearTimeout(first.timer)
      first.settle(true)
    },
    under_way: () => under_way,
    in_line: () => line.size,
  }
}
