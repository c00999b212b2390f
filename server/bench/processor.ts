import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds of a processor that a process has taken, and where it is a `tree`, its children, gone or there. */
export function busyMs(pid: number, tree = false): number {
  const own = statOf(pid)
  if (!tree) return own.own_ms
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const live = children.map((name) => statOf(Number(name))).filter(({ parent }) => parent === pid)
  return live.reduce((sum, { own_ms }) => sum + own_ms, own.own_ms + own.reaped_ms)
}

export const parentOf = (pid: number): number => statOf(pid).parent

/** The kernel counts these in hundredths of a second for whoever reads them, whatever its own tick is. */
const TICK_MS = 10

function statOf(pid: number): { parent: number; own_ms: number; reaped_ms: number } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number) // the name before may hold anything
    const at = (field: number) => fields[field - 3] ?? 0 // as proc(5) numbers them
    return { parent: at(4), own_ms: (at(14) + at(15)) * TICK_MS, reaped_ms: (at(16) + at(17)) * TICK_MS }
  } catch {
    return { parent: 0, own_ms: 0, reaped_ms: 0 } // it has ended
  }
}
