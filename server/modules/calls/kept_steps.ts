import type { StepReport } from '../../kit/mapping/mapping.ts'
import { hidePersonal } from '../../kit/personal.ts'
import { type Opened, storable } from '../../kit/transports/http.ts'
import type { KeptStep, StepsOnRecord } from './schema.ts'

/** Of each text. What is masked reaches further, so that no secret is cut in half at the end and shown. */
const KEPT = 16 * 1024
const MASKED = KEPT + 12_000

type Steps = { in: StepReport[]; out: StepReport[] }

/**
 * What the steps of a call came to, as it may be recorded: masked as the bodies of its attempts are. What is `unstored`
 * may have names before it is mapped that tell nobody what has to be hidden.
 */
export function toKept(opened: Opened, steps: Steps, unstored: boolean): StepsOnRecord {
  const shown = (text: string): string =>
    hidePersonal(storable(opened, text.slice(0, MASKED)), []).slice(0, KEPT)
  const toStep = ({ kind, ok, took_ms, error, ...traced }: StepReport): KeptStep => ({
    kind,
    ok,
    took_ms,
    ...(error !== undefined && { error: shown(error) }),
    ...(!unstored && 'input' in traced && { input: shown(JSON.stringify(traced.input ?? null)) }),
    ...(!unstored && 'output' in traced && { output: shown(JSON.stringify(traced.output ?? null)) }),
  })
  return { in: steps.in.map(toStep), out: steps.out.map(toStep) }
}
