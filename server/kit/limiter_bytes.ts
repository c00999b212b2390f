/**
 * The bytes that the calls of one process have spent and not told of yet. What a call is going to spend is not known
 * while it is under way: until then it counts as much as the calls before it had, and is put right when it is over.
 */
export type Spending = {
  /** A call was let through. */
  begin(): void
  /** One is over and spent so much; null: none of what it was counted for. False where nothing is counted in bytes. */
  end(spent: number | null): boolean
  /** So much is untold that the next call asks first. */
  isFull(): boolean
  /** What all processes together still may. */
  fit(bytes_room: number): void
  untold(): number
  told(bytes: number): void
}

/** Bytes that a process has not told of are at most this part of what is left. */
const LARGEST_PART = 20
/** Calls by which the usual size of a call is reckoned. */
const MEMORY = 8

export function createSpending(): Spending {
  let untold = 0
  let usual = 0 // bytes of a call, as the last ones had
  let under_way = 0
  let charged = 0 // to those under way
  let most = Number.POSITIVE_INFINITY
  const isCounted = () => most !== Number.POSITIVE_INFINITY

  function discharge(): number {
    const share = under_way > 0 ? charged / under_way : 0
    if (under_way > 0) under_way -= 1
    charged -= share
    return share
  }

  return {
    begin: () => {
      if (!isCounted()) return
      under_way += 1
      charged += usual
      untold += usual
    },
    end: (spent) => {
      if (!isCounted()) return false
      const share = discharge()
      if (spent !== null) usual += (spent - usual) / (usual === 0 ? 1 : MEMORY)
      untold += (spent ?? 0) - share
      return true
    },
    isFull: () => isCounted() && untold >= most,
    fit: (bytes_room) => {
      most = Math.ceil(bytes_room / LARGEST_PART)
    },
    untold: () => Math.round(untold),
    told: (bytes) => {
      untold -= bytes
    },
  }
}
