import type { Permit } from '../../kit/limiter.ts'
import type { Place } from '../../kit/limiter_block.ts'
import { buildRequest } from '../../kit/transports/http.ts'
import { toShown } from './attempts.ts'
import { isHungUp, whyHungUp, withinTime } from './deadline.ts'
import { limiterOf } from './guards.ts'
import type { Built, Ended, Run } from './pipeline.ts'
import { tokenOf } from './tokens.ts'
import { away, refusedByLimit, TOO_LATE, tooLate } from './turned_away.ts'

/** The last two stages before an attempt is sent. */
export type Admitted = { built: Built; place: Place }

/**
 * Limiter, then authentication. A token that took so long to fetch that the permit ran out needs another. Where there is
 * none the place stays taken: the vendor was asked for a token.
 */
export async function admit(run: Run, patience_ms: number): Promise<Admitted | Ended> {
  const { app } = run
  const limiter = limiterOf(run.guards, run.wanted.operation)
  for (;;) {
    const taken = limiter.take(patience_ms, run.wanted.signal)
    const permit: Permit = taken instanceof Promise ? await taken : taken
    if (!permit.ok) return isHungUp(run) ? away('caller', whyHungUp(run), null) : refusedByLimit(run, permit)
    if (run.built.opened.token === undefined) return { built: run.built, place: permit } // its credentials stand in it from the start
    const built = await authenticate(run).catch((error: unknown) => {
      limiter.unsent()
      throw error
    })
    if ('turned_away' in built) {
      if (built.turned_away?.by === 'authentication') limiter.unsent()
      else limiter.letGo(permit)
      return built
    }
    if (app.clock.monotonic() < permit.until_ms) return { built, place: permit }
    limiter.letGo(permit)
  }
}

/** The request with the access token of now. */
export async function authenticate(run: Run): Promise<Built | Ended> {
  const { app, connection, wanted, built } = run
  const found = await withinTime(run, tokenOf(app, connection, run.refused_token))
  if (found === null) return tooLate(run) ?? away('deadline', TOO_LATE, null)
  if (!found.ok) return { ...away('authentication', found.because, null), at_fault: found.at_fault ?? false }
  run.has_new_token = found.is_new ?? false
  if (found.token === built.opened.token || found.token === undefined) return built
  const opened = { ...connection.opened, token: found.token, base_url: found.base_url }
  const request = buildRequest(opened, wanted.request)
  run.built = { opened, request, shown: toShown(opened, request) }
  return run.built
}
