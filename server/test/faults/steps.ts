import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The steps of one flow, counted where they cross a wire: a statement on its way to PostgreSQL, a POST on its way to
 * a receiver. A point is one step and the side on which trouble meets it: `before` the step arrives, or `after` it
 * took effect and was answered, with the answer swallowed. The trouble is that the process is killed, or that only
 * its connection is cut, so that it lives on without knowing what became of the step. It comes once.
 */
export type Side = 'before' | 'after'
/** A step by its number, or the first of a name. */
export type Point = { step: number | string; side: Side }

export type Steps = {
  /** Counts from now on; at the point the wire is cut, and `trouble` is called. Null only counts. */
  arm(point: Point | null, trouble: () => void): void
  /** Stops counting; returns the names of the steps that were met, in their order. */
  disarm(): string[]
  /** Whether the armed point was reached. */
  fired(): boolean
  /** Resolves once nothing crossed for this long, counted or not. */
  quiet(ms: number): Promise<void>
  meet(name: string): Passage
}

export type Passage = {
  /** Trouble came before this step arrived: it must not take effect, and its wire is to be cut. */
  lost: boolean
  /** To be called once the step took effect; true where trouble comes now: the answer goes nowhere, the wire is cut. */
  fails(): boolean
}

const PASSES: Passage = { lost: false, fails: () => false }

export function createSteps(): Steps {
  let armed: { point: Point | null; trouble: () => void } | null = null
  let names: string[] = []
  let fired = false
  let last = performance.now()

  const strike = (trouble: () => void): true => {
    fired = true
    armed = null
    trouble()
    return true
  }

  return {
    arm: (point, trouble) => {
      armed = { point, trouble }
      names = []
      fired = false
    },
    disarm: () => {
      armed = null
      return names
    },
    fired: () => fired,
    quiet: async (ms) => {
      while (performance.now() - last < ms) await sleep(ms / 4)
    },
    meet: (name) => {
      last = performance.now()
      if (!armed) return PASSES
      names.push(name)
      const { point, trouble } = armed
      if (!point || (point.step !== names.length && point.step !== name)) return PASSES
      if (point.side === 'before') return { lost: strike(trouble), fails: () => true }
      return { lost: false, fails: () => strike(trouble) }
    },
  }
}

/** `17 after: delivery_settle` */
export const pointInWords = ({ step, side }: Point, names: string[]): string =>
  typeof step === 'string'
    ? `${step} ${side}`
    : `${step} ${side}: ${names[step - 1] ?? 'a step that was not met'}`
