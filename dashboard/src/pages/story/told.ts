import type { Entry } from './reads.ts'

/** One step as it is shown: entries that tell of the same moment are one step. */
export type Step = Entry & {
  /** Of a delivery or a call, from 1; null where it is no attempt. */
  attempt: number | null
  /** The buttons that mend its record stand here. */
  mends: boolean
}

/** A message that was worked on so soon needs no step of its own for that. */
const SOON_MS = 1_000

const isAttempt = ({ kind }: Entry): boolean => kind === 'attempt' || kind === 'call_attempt'

/** Lone attempts are told by their delivery or call, and what was processed at once by what was received. */
export function toSteps(entries: readonly Entry[]): Step[] {
  const attempts = Map.groupBy(entries.filter(isAttempt), ({ id }) => id)
  const processed = new Map(entries.flatMap((one) => (one.kind === 'processed' ? [[one.id, one]] : [])))
  return entries.flatMap((entry): Step[] => {
    const plain = { ...entry, attempt: null, mends: true }
    const own = attempts.get(entry.id) ?? []
    if (entry.kind === 'received') return [received(plain, processed.get(entry.id))]
    if (entry.kind === 'processed') return isSoon(entry) ? [] : [plain]
    if (isAttempt(entry)) return own.length === 1 ? [] : [attempt(plain)]
    const [lone] = own
    if (lone && own.length === 1) {
      const { duration_ms, waited_ms, status } = lone
      return [{ ...plain, duration_ms, waited_ms, status }]
    }
    return [plain]
  })
}

const isSoon = ({ waited_ms }: Entry): boolean => (waited_ms ?? 0) < SOON_MS

function received(step: Step, processed: Entry | undefined): Step {
  if (!processed) return { ...step, state: 'pending' }
  if (!isSoon(processed)) return { ...step, mends: false }
  const { state, waited_ms, detail } = processed
  return { ...step, state, waited_ms, detail: [step.detail, detail].filter(Boolean).join(', ') || null }
}

/** Its number stands before its title. */
function attempt(step: Step): Step {
  const [, number, title] = /^attempt (\d+): (.*)$/.exec(step.title) ?? []
  return { ...step, attempt: Number(number ?? 1), title: title ?? step.title, mends: false }
}
