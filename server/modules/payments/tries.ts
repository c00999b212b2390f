import type { Refusal, RefusalReason } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { type Answer, NOT_SENT } from '../calls/calls.ts'
import { accountOf, type OpenConnection, useConnection } from '../connections/connections.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { type Candidate, check, type Kept, type Request, sealRequest } from './request.ts'
import * as routing from './routing_queries.ts'
import { PATIENCE_S } from './waiting.ts'

/**
 * From one connection of a payment to the next, and only where the vendor asked before surely took nothing. Where it is
 * asked next is committed before that one is asked, and whoever takes over for a process that died stays where it is.
 */

/** Which connection is asked, by what, and what it was given. */
export type Sending = { number: number; connection: OpenConnection; kept: Kept }

/** The vendor turned us away before it looked at what was asked. */
const NOT_LOOKED_AT: readonly RefusalReason[] = ['credentials_refused', 'rate_limited']

/**
 * Whether an answer proves that no money was taken, and is of a kind after which another may be asked. A time-out, a
 * 5xx, and whatever else leaves a doubt is no answer at all. The payer's own decline is final unless the rule names it.
 */
export function mayMoveOn(
  answer: Answer<unknown>,
  { next_on = [], final_codes = [] }: { next_on?: readonly RefusalReason[]; final_codes?: readonly string[] },
): boolean {
  if (answer.kind !== 'refused' || answer.status === undefined) return false
  const { status, failure } = answer
  if (status === null) return true // nothing left our house
  // A 5xx that says that nothing was done is still a vendor in trouble: what it says of itself is not proof.
  if (status >= 500 || failure.code === NOT_SENT) return false
  if (NOT_LOOKED_AT.includes(failure.reason)) return true
  if (status === 403 && failure.reason === 'not_permitted') return true
  return next_on.includes(failure.reason) && !final_codes.includes(failure.code ?? '')
}

/** The next one to be asked; null where it ends here; `overtaken` where somebody else has it by now. */
export async function moveOn(
  app: App,
  actor: Actor,
  place: queries.Place,
  { number, connection, kept }: Sending,
  answer: Answer<unknown>,
): Promise<Sending | null | 'overtaken'> {
  const { rest = [], next_on = [], request } = kept
  const { final_codes = [] } = connection.opened.provider.payments ?? {}
  if (rest.length === 0 || !mayMoveOn(answer, { next_on, final_codes })) return null
  const { skipped, found } = await firstFit(app, actor, rest, request)
  const skips = toSkips(skipped, number)
  if (!found) {
    await inTenant(app.db, place.tenant_id, (tx) => routing.insertTries(tx, place, skips))
    return null
  }
  const next = {
    number: number + skips.length + 1,
    connection: found.connection,
    kept: { request: found.request, account: accountOf(found.connection), rest: found.rest, next_on },
  }
  const ended = { failure: failureOf(answer), call_id: answer.call_id }
  const moved = await inTenant(app.db, place.tenant_id, async (tx) => {
    must(await queries.lockPayment(tx, place))
    const job_id = app.newId()
    const at = { connection_id: next.connection.id, provider: next.connection.opened.provider.id }
    const may_move_on = next.kept.rest.length > 0
    const sealed = await sealRequest(app, tx, place, next.kept)
    const onward = { ...at, number: next.number, request: sealed, job_id, may_move_on }
    if (!(await routing.moveToNext(tx, place, number, onward))) return false
    await queries.enqueueTurn(app, tx, place, job_id, { wait_s: PATIENCE_S })
    await routing.endTry(tx, place, number, ended)
    await routing.insertTries(tx, place, [
      ...skips,
      { ...at, number: next.number, state: 'asked', failure: null },
    ])
    return true
  })
  return moved ? next : 'overtaken'
}

const failureOf = (answer: Answer<unknown>): Refusal | null =>
  answer.kind === 'refused' ? answer.failure : null

export type Skipped = { candidate: Candidate; provider: string; problem: Problem }

/** The first that could be asked for it, what comes after it, and why those before could not. */
export async function firstFit(
  app: App,
  actor: Actor,
  candidates: readonly Candidate[],
  request: Omit<Request, 'method'> & { method?: string },
) {
  const skipped: Skipped[] = []
  for (const [at, candidate] of candidates.entries()) {
    const tried = await fit(app, actor, candidate, request)
    if (!('problem' in tried)) return { skipped, found: { ...tried, rest: candidates.slice(at + 1) } }
    skipped.push({ candidate, ...tried })
  }
  return { skipped, found: null }
}

/** Whether a connection could be asked for it. Another world's is the caller's fault, whatever comes after it. */
export async function fit(
  app: App,
  actor: Actor,
  { connection_id, source }: Candidate,
  { source: _source, confirm: _confirm, ...request }: Omit<Request, 'method'> & { method?: string },
): Promise<{ connection: OpenConnection; request: Request } | Pick<Skipped, 'provider' | 'problem'>> {
  let provider = ''
  try {
    const connection = await useConnection(app, actor, connection_id)
    provider = connection.opened.provider.id
    const usual = connection.opened.provider.payments?.methods?.[0] ?? 'card'
    const made = {
      ...request,
      method: request.method ?? usual,
      ...(source !== undefined && { source, confirm: true }),
    }
    check(connection, made)
    return { connection, request: made }
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code === 'forbidden') throw problem
    return { provider, problem }
  }
}

/** As they stand among the tries of a payment, after that of `number`. */
export const toSkips = (skipped: readonly Skipped[], number: number): routing.NewTry[] =>
  skipped.map(({ candidate, provider, problem }, at) => ({
    number: number + at + 1,
    connection_id: candidate.connection_id,
    provider,
    state: 'skipped',
    failure: {
      reason: problem.code === 'invalid_request' ? 'invalid_request' : 'vendor_unavailable',
      code: NOT_SENT,
      message: problem.occurrence.detail,
    },
  }))
