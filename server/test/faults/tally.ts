import type { Truth } from './truth.ts'

/** What came of one form of the faults. */
export type Tally = Omit<Truth, 'broken'> & {
  /** Processes ended on purpose, PostgreSQL's own included. */
  kills: number
  /** Connections cut under a process that lived on. */
  cuts: number
  /** How long work stayed in the hand of a dead worker after its lease had ended, at most; 0 where nobody looked. */
  oldest_lease_s: number
  /** Every promise that was broken, with the words that replay it. */
  broken: string[]
}

export const addTallies = (all: Tally[]): Tally => {
  const sum = (pick: (tally: Tally) => number) => all.reduce((total, tally) => total + pick(tally), 0)
  return {
    kills: sum((one) => one.kills),
    cuts: sum((one) => one.cuts),
    accepted: sum((one) => one.accepted),
    lost: sum((one) => one.lost),
    duplicates: sum((one) => one.duplicates),
    calls: sum((one) => one.calls),
    unknown_calls: sum((one) => one.unknown_calls),
    sent_twice: sum((one) => one.sent_twice),
    reordered: sum((one) => one.reordered),
    oldest_lease_s: Math.max(0, ...all.map((one) => one.oldest_lease_s)),
    broken: all.flatMap((one) => one.broken),
  }
}

export const tallyInWords = ({
  kills,
  cuts,
  accepted,
  lost,
  duplicates,
  calls,
  unknown_calls,
  sent_twice,
  reordered,
  oldest_lease_s,
}: Tally): string =>
  `${kills} kills, ${cuts} cuts, ${accepted} accepted, ${lost} lost, ${duplicates} duplicates, ${reordered} reordered, ${calls} calls of which ${unknown_calls} unknown, ${sent_twice} sent twice, the oldest lease ${oldest_lease_s} s past its end`
