import { toWire } from '../../platform/ids.ts'
import { OURS } from '../../platform/log.ts'
import { noteCall } from '../metrics/metrics.ts'
import type { Ended, Run } from './pipeline.ts'

/** What is told of a call that ended, beside its record: figures for the customer, metrics and one line for us. */
export function observe(run: Run, ended: Ended, duration_ms: number): void {
  count(run, ended, duration_ms)
  measure(run, ended, duration_ms)
  log(run, ended, duration_ms)
}

function count({ app, connection, number, built }: Run, ended: Ended, duration_ms: number): void {
  const { outcome: state, status, response, turned_away, no_answer } = ended
  const wrong = turned_away?.by ?? no_answer ?? (status === null ? 'internal' : `status_${status}`)
  noteCall(app, {
    tenant_id: connection.tenant_id,
    connection_id: connection.id,
    state,
    attempts: number,
    duration_ms,
    sent_bytes: response?.flowed?.sent_bytes ?? number * (built.request.body?.length ?? 0),
    received_bytes: response?.flowed?.received_bytes ?? response?.body.length ?? 0,
    error: state === 'succeeded' ? null : wrong,
  })
}

/** For Prometheus, also under the names that dashboards of before know. */
function measure({ app, connection, method, wanted }: Run, { outcome }: Ended, duration_ms: number): void {
  const provider = connection.opened.provider.id
  const place = { method, endpoint: endpointOf(connection, wanted.operation) }
  const { telemetry } = app
  telemetry.count('trilho_calls_total', { provider, outcome })
  telemetry.observe('trilho_call_seconds', duration_ms / 1000, { provider })
  telemetry.count('api_requests_total', place)
  telemetry.observe('api_response_duration_seconds', duration_ms / 1000, place)
  telemetry.count('integration_requests_total', { status: outcome === 'succeeded' ? 'success' : outcome })
  telemetry.count('integration_total', { provider })
  telemetry.count('integration_success_total', { provider }, outcome === 'succeeded' ? 1 : 0)
}

/** Labels have few values by nature: neither a path nor a name that a tenant made up is one. */
function endpointOf({ opened }: Run['connection'], operation: string | null): string {
  if (operation === null) return 'request'
  const is_ours = operation === 'test' || operation === 'health'
  return is_ours || Object.hasOwn(opened.provider.operations, operation) ? operation : 'stored'
}

function log({ app, connection, id, method, wanted, number }: Run, ended: Ended, duration_ms: number): void {
  const provider = connection.opened.provider.id
  const { outcome, status, error } = ended
  if (!app.log.isLevelEnabled('info')) return
  app.log.info(
    {
      crossing: 'call',
      call: toWire('call', id),
      connection: toWire('connection', connection.id),
      provider,
      operation: wanted.operation,
      method,
      outcome,
      status,
      attempts: number,
      duration_ms,
      error,
      ...(error === null && ALL_OURS),
    },
    'call',
  )
}

/** What a vendor said stands in the error alone. */
const ALL_OURS = { [OURS]: true }
