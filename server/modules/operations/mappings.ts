import {
  type Bounded,
  checkSteps,
  createBounded,
  type Mapped,
  parseExact,
  type Reckoner,
  runMapping,
} from '../../kit/mapping/mapping.ts'
import { rawMember } from '../../kit/wire_json.ts'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import type { PreviewMapping } from './schema.ts'

/** Trying a mapping without a call, and the threads in which the expressions and schemas of tenants are reckoned. */

/** One set of threads for this process, which tenants use by turns. They end with it, and hold no process open. */
const threads = once((_app: App): Bounded => createBounded())

export const boundedOf = (app: App, tenant_id: string): Reckoner => threads(app).of(tenant_id)

/** The report as JSON text, so that no number of the input loses a digit; `body` is the request as it came. */
export async function previewMapping(
  app: App,
  { tenant_id }: Actor,
  input: PreviewMapping,
  body: string,
): Promise<string> {
  checkSteps(input.steps, 'steps')
  const answers = [...(input.answers ?? [])]
  const mapped = await runMapping(input.steps, parseExact(rawMember(body, 'input') ?? 'null'), {
    direction: input.direction ?? 'out',
    bounded: boundedOf(app, tenant_id),
    ask: async () => {
      if (answers.length > 0) return answers.shift()
      throw new Problem('invalid_request', {
        field: 'answers',
        detail: 'nothing is asked in a preview; give its answer in answers',
      })
    },
    trace: input.trace ?? false,
    monotonic: app.clock.monotonic,
  })
  return JSON.stringify(toPreview(mapped))
}

const toPreview = (mapped: Mapped) => ({
  ok: mapped.ok,
  output: mapped.ok ? mapped.output : null,
  steps: mapped.steps,
  errors: mapped.ok ? [] : mapped.faults.map((one) => ({ step: mapped.step, ...one })),
})
