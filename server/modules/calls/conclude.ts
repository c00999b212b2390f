import { parseExact, type StepReport } from '../../kit/mapping/mapping.ts'
import type { Actor, App } from '../app.ts'
import type { CacheNote } from './cache_schema.ts'
import { mapOut } from './mapped.ts'
import type { Performed } from './perform.ts'
import type { Prepared } from './prepare.ts'
import { readAnswer, toReport, withMapped } from './report.ts'

/** The report of a call that is over, with its answer translated and mapped. */
export async function concludeCall(
  app: App,
  actor: Actor,
  { connection, named, mapping, steps, trace }: Prepared,
  performed: Performed & { cache?: CacheNote | null },
): Promise<string> {
  const answer = readAnswer(connection.opened.provider, performed.response, named)
  const out = mapping.out ?? []
  const taken: StepReport[] = []
  if (out.length === 0 || performed.state !== 'succeeded' || answer.error !== undefined)
    return toReport(connection, performed, named, answer, { in: steps, out: taken })
  const value = 'result' in answer ? answer.result : parseExact(answer.json)
  const mapped = await mapOut(app, actor, out, value, { trace, depth: 0 })
  return toReport(connection, performed, named, withMapped(answer, mapped), { in: steps, out: mapped.steps })
}
