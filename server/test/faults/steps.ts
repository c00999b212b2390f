import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The steps of one flow, counted where they cross a wire: a statement on its way to PostgreSQL, a POST on its way to
 * a receiver. A point is one step and the side on which the process dies: `before` the step arrives, or `after` it
 * took effect and was answered, with the answer swallowed. After the kill nothing is counted until the next arming.
 */
export type Side = 'before' | 'after'
export type Point = { number: number; side: Side }

export type Steps = {
  /** Counts from now on, and kills at the point; null only counts. */
  arm(point: Point | null, kill: () => void): void
  /** Stops counting; returns the names of the steps that were met, in their order. */
  disarm(): string[]
  /** Whether the armed point was reached. */
  fired(): boolean
  /** Resolves once nothing crossed for this long, counted or not. */
  quiet(ms: number): Promise<void>
  meet(name: string): Passage
}

export type Passage = {
  /** The process died before this step arrived: it must not take effect. */
  lost: boolean
  /** To be called once the step took effect; true where the process died of it, so that its answer goes nowhere. */
  dies(): boolean
}

const PASSES: Passage = { lost: false, dies: () => false }

export function createSteps(): Steps {
  let armed: { point: Point | null; kill: () => void } | null = null
  let names: string[] = []
  let fired = false
  let last = performance.now()

  const die = (kill: () => void): true => {
    fired = true
    armed = null
    kill()
    return true
  }

  return {
    arm: (point, kill) => {
      armed = { point, kill }
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
      const { point, kill } = armed
      if (point?.number !== names.length) return PASSES
      if (point.side === 'before') return { lost: die(kill), dies: () => true }
      return { lost: false, dies: () => die(kill) }
    },
  }
}

/** `17 after: delivery_settle` */
export const pointInWords = ({ number, side }: Point, names: string[]): string =>
  `${number} ${side}: ${names[number - 1] ?? 'a step that was not met'}`
