import { parseExact, type StepReport } from '../../kit/mapping/mapping.ts'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import type { CacheNote } from './cache_schema.ts'
import { toKept } from './kept_steps.ts'
import { mapOut } from './mapped.ts'
import { insertSteps } from './mapping_queries.ts'
import type { Performed } from './perform.ts'
import { idsOf, type Prepared } from './prepare.ts'
import { recorder } from './record.ts'
import { type Answer, readAnswer, toReport, withMapped } from './report.ts'

/** The report of a call that is over, with its answer translated and mapped; what the steps came to is on record. */
export async function concludeCall(
  app: App,
  actor: Actor,
  prepared: Prepared,
  performed: Performed & { cache?: CacheNote | null },
): Promise<string> {
  const { connection, named } = prepared
  const answer = readAnswer(connection.opened.provider, performed.response, prepared)
  nameCall(app, prepared, performed.id, answer)
  const mapped =
    performed.state === 'succeeded' ? await mapAnswer(app, actor, prepared, answer, performed.id) : null
  const steps = { in: prepared.steps, out: mapped?.steps ?? [] }
  if (steps.in.length + steps.out.length > 0) await keepSteps(app, prepared, performed.id, steps)
  return toReport(connection, performed, named, mapped ? withMapped(answer, mapped) : answer, steps)
}

/** By the ids that the answer holds. */
function nameCall(app: App, { connection, named, input }: Prepared, id: string, answer: Answer): void {
  if (answer.result === undefined) return
  const found = idsOf(named, input, answer.result)
  if (found.length > 0) recorder(app).name({ tenant_id: connection.tenant_id, id, found })
}

/** Null where there is nothing to map, or nothing that could be made sense of. */
async function mapAnswer(
  app: App,
  actor: Actor,
  { mapping, trace, waited }: Prepared,
  answer: Answer,
  call_id: string,
) {
  const out = mapping.out ?? []
  if (out.length === 0 || answer.error !== undefined) return null
  const value = 'result' in answer ? answer.result : parseExact(answer.json)
  const options = { trace, depth: 0, parent_id: toWire('call', call_id), waited }
  return mapOut(app, actor, out, value, options)
}

type Steps = { in: StepReport[]; out: StepReport[] }

/** The call has happened whether or not this can be written down. */
async function keepSteps(
  app: App,
  { connection: { tenant_id, opened }, named }: Prepared,
  id: string,
  steps: Steps,
): Promise<void> {
  const kept = toKept(opened, steps, named?.operation?.unstored ?? false)
  const row = { tenant_id, id, steps: JSON.stringify(kept) }
  await inTenant(app.db, tenant_id, (tx) => insertSteps(tx, row)).catch((cause: unknown) =>
    app.log.error({ err: cause, call: toWire('call', id) }, 'the steps of a mapping were not kept'),
  )
}
