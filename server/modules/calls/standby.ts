import { vendorSeen } from '../../kit/breaker.ts'
import type { Settings } from '../../kit/fields.ts'
import { isSafe } from '../../kit/retry.ts'
import { buildRequest } from '../../kit/transports/http.ts'
import type { EgressResult } from '../../platform/egress/egress.ts'
import { toWire } from '../../platform/ids.ts'
import { toShown } from './attempts.ts'
import type { Built, Run } from './pipeline.ts'

/**
 * A connection may name other addresses of its vendor (`fallback_urls`), asked in their order while those before fail. A
 * retry goes to the next one only where it repeats nothing, or nothing that was heard: another address need not know the
 * key of a change. A key that outlives the call, the caller's own or that of a deferred call, is only ever used at the
 * first. Where a vendor said itself where it is to be asked, it is asked there.
 */
export const fallbacksOf = ({ fallback_urls }: Settings): readonly string[] =>
  Array.isArray(fallback_urls) ? (fallback_urls as string[]) : []

/** The request as it goes to the address whose turn it is. */
export function standIn(run: Run, built: Built): Built {
  const others = fallbacksOf(run.connection.opened.settings)
  if (others.length === 0 || built.opened.base_url !== undefined) return built
  run.base = run.stays ? run.base : run.guards.failover.at()
  const base_url = others[run.base - 1]
  if (base_url === undefined) return built
  const opened = { ...built.opened, base_url }
  const request = buildRequest(opened, run.wanted.request)
  return { opened, request, shown: toShown(opened, request) }
}

/** What came of it says whom to ask next. */
export function noteStanding(run: Run, result: EgressResult): void {
  const { app, connection, guards, method, base } = run
  const others = fallbacksOf(connection.opened.settings)
  if (others.length === 0) return
  run.stays ||= !isSafe(method) && !(result.kind === 'error' && !result.sent)
  if (vendorSeen(connection.opened.provider, result, false) !== 'at_fault') return
  guards.failover.failed(base)
  const about = { crossing: 'call', connection: toWire('connection', connection.id), address: base }
  app.log.warn(about, 'an address of a vendor failed, and rests for a minute')
}
