/** Rounds of figures, made into a table for people and one line of JSON for programs. */

/** By name, one figure for each round. */
export type Rounds = Map<string, number[]>

export function note(rounds: Rounds, name: string, figure: number): void {
  rounds.set(name, [...(rounds.get(name) ?? []), figure])
}

export function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[sorted.length % 2 ? middle : middle - 1],
    sorted[middle],
  ]
  return (low + high) / 2
}

export type Report = {
  bench: string
  unit: string
  rounds: Rounds
  ours: string
  /** Least ratio of ours to this peer that we claim. */
  targets: Record<string, number>
  /** Peers that could not take part, and why. */
  absent?: Record<string, string>
  /** Further figures of the JSON line. */
  more?: Record<string, unknown>
}

/** A ratio is the median of the ratios of single rounds, since what disturbs a round disturbs all in it. */
export function ratioTo(rounds: Rounds, ours: string, peer: string): number {
  const theirs = rounds.get(peer) ?? []
  return median((rounds.get(ours) ?? []).map((figure, round) => figure / (theirs[round] ?? Number.NaN)))
}

export function print(report: Report): void {
  const { bench, unit, rounds, ours, targets, absent = {}, more = {} } = report
  const rows = [...rounds].map(([name, figures]) => {
    const is_peer = name in targets
    return [
      name,
      shown(median(figures)),
      `${shown(Math.min(...figures))} to ${shown(Math.max(...figures))}`,
      is_peer ? ratioTo(rounds, ours, name).toFixed(2) : '',
      is_peer ? `at least ${targets[name]}` : '',
    ]
  })
  for (const [name, why] of Object.entries(absent)) rows.push([name, 'absent', why, '', ''])
  printTable([[bench, `median ${unit}`, 'spread', `${ours} / it`, 'claimed'], ...rows])
  const peers = [...rounds.keys()].filter((name) => name in targets)
  const figures = (of: (name: string) => number) =>
    Object.fromEntries(peers.map((name) => [name, rounded(of(name))]))
  console.log(
    JSON.stringify({
      bench,
      unit,
      ours: rounded(median(rounds.get(ours) ?? [])),
      peers: figures((name) => median(rounds.get(name) ?? [])),
      ratios: figures((name) => ratioTo(rounds, ours, name)),
      ...more,
    }),
  )
}

export function printTable(rows: string[][]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  for (const [at, row] of rows.entries()) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    if (at === 0) console.log(widths.map((width) => '-'.repeat(width)).join('  '))
  }
  console.log()
}

const shown = (figure: number) =>
  figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2)
export const rounded = (figure: number) =>
  figure >= 100 ? Math.round(figure) : Math.round(figure * 100) / 100
