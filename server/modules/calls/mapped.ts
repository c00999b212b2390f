import {
  type Enrich,
  type Mapped,
  parseExact,
  refusal,
  runMapping,
  type Step,
  type StepReport,
  type Tools,
  toPlain,
} from '../../kit/mapping/mapping.ts'
import { inWords, read } from '../../kit/reads.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { useConnection } from '../connections/connections.ts'
import { boundedOf } from '../operations/operations.ts'
import { type Answered, performCached } from './cache.ts'
import { withDeadline } from './deadline.ts'
import type { Waited } from './pipeline.ts'
import { prepareCall } from './prepare.ts'
import { noAnswer, turnedAway } from './proxy.ts'
import { readAnswer } from './report.ts'
import { MakeCall } from './schema.ts'

/** The mappings of a call: what it takes, on the way in, and what it is answered, on the way out. */
type Options = {
  trace: boolean
  /** 1 where the call enriches another. */
  depth: number
  /** Wire id of the call that is mapped, where it is one. */
  parent_id?: string
  /** Who waits for it waits for the enriching calls too, and no longer. */
  waited?: Waited
}

export type MappedIn = { value: unknown; steps: StepReport[]; content_type: string | null }

/** What the steps cannot do is the caller's to mend; what they cannot do for now is told as what it is. */
export async function mapIn(
  app: App,
  actor: Actor,
  steps: readonly Step[],
  value: unknown,
  options: Options,
): Promise<MappedIn> {
  if (steps.length === 0) return { value, steps: [], content_type: null }
  const mapped = await runMapping(steps, value ?? null, toolsOf(app, actor, 'in', options))
  if (!mapped.ok) throw notMapped(mapped)
  return { value: mapped.output, steps: mapped.steps, content_type: mapped.content_type }
}

function notMapped({ step, faults, passing }: Extract<Mapped, { ok: false }>): Problem {
  const refused = refusal(`mapping.in.${step}`, faults)
  if (!passing) return refused
  const { retry_after_s } = passing.occurrence
  return new Problem(passing.code, {
    ...refused.occurrence,
    ...(retry_after_s !== undefined && { retry_after_s }),
  })
}

/** The vendor has done what it did: what the steps cannot do is told beside its answer. */
export const mapOut = (
  app: App,
  actor: Actor,
  steps: readonly Step[],
  value: unknown,
  options: Options,
): Promise<Mapped> => runMapping(steps, value, toolsOf(app, actor, 'out', options))

const toolsOf = (
  app: App,
  actor: Actor,
  direction: 'in' | 'out',
  { trace, depth, parent_id, waited = {} }: Options,
): Tools => ({
  direction,
  bounded: boundedOf(app, actor.tenant_id),
  ask: (step, call) =>
    enrichingCall(app, { ...actor, ...(parent_id && { parent_id }) }, step, call, { depth, waited }),
  trace,
  monotonic: app.clock.monotonic,
})

/** A call like any other, on record for itself; what it enriches does not have to be its own connection. */
async function enrichingCall(
  app: App,
  actor: Actor,
  step: Enrich,
  call: Record<string, unknown>,
  { depth, waited }: { depth: number; waited: Waited },
): Promise<unknown> {
  if (depth > 0)
    throw new Problem('invalid_request', { detail: 'a call that enriches is not enriched itself' })
  const asked = read(MakeCall, toPlain(call))
  if (!asked.ok) throw new Problem('invalid_request', { detail: inWords(asked.errors) })
  const connection = await useConnection(
    app,
    actor,
    fromWire('connection', step.connection_id, 'connection_id'),
  )
  const id = app.newId()
  const prepared = await prepareCall(app, actor, connection, asked.value, {
    id,
    depth: depth + 1,
    waited: withDeadline(app, asked.value, waited),
  })
  const { wanted, named } = prepared
  const { skip_cache: skip = false } = asked.value
  const performed = await performCached(app, actor, prepared.connection, wanted, { named, skip })
  if (performed.state !== 'succeeded' || !performed.response) throw notAnswered(performed)
  const { json, result, error } = readAnswer(connection.opened.provider, performed.response, prepared)
  if (error !== undefined) throw new Problem('invalid_request', { detail: error })
  const answer = result ?? parseExact(json)
  const out = await mapOut(app, actor, prepared.mapping.out ?? [], answer, {
    trace: false,
    depth: depth + 1,
    parent_id: toWire('call', performed.id),
  })
  if (out.ok) return out.output
  throw new Problem(out.passing?.code ?? 'invalid_request', {
    detail: `its answer could not be mapped: ${out.steps.at(-1)?.error}`,
  })
}

/** A vendor's no is the caller's to mend; that it is away, or has no room, is not. */
function notAnswered(performed: Answered): Problem {
  const { state, response, error } = performed
  if (state !== 'refused' || response?.status === 429) return turnedAway(performed) ?? noAnswer(performed)
  return new Problem('invalid_request', { detail: error ?? `it is ${state}` })
}
