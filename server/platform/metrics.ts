/**
 * Every metric of the product. Labels have few values by nature: a route is its pattern, a provider its id;
 * never a tenant, an id or a URL, or the series would grow without end.
 */
const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const REMOTE = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60]

export const METRICS = {
  trilho_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered; route is the pattern, not the path',
    labels: ['route', 'method', 'status'],
  },
  trilho_http_request_seconds: {
    type: 'histogram',
    help: 'Time from the first byte of a request to the last of its answer',
    labels: ['route', 'method'],
    buckets: FAST,
  },
  trilho_inbound_messages_total: {
    type: 'counter',
    help: 'Webhooks received, by what became of them: accepted, duplicate, quarantined, or why they were refused',
    labels: ['provider', 'result'],
  },
  trilho_inbound_processing_seconds: {
    type: 'histogram',
    help: 'Time from the commit of a webhook to the end of its reactions',
    labels: ['provider'],
    buckets: REMOTE,
  },
  trilho_card_decision_seconds: {
    type: 'histogram',
    help: 'Time from the arrival of an authorization that waits for us to our answer: approved or declined',
    labels: ['provider', 'result'],
    buckets: FAST,
  },
  trilho_events_total: {
    type: 'counter',
    help: 'Events published, by where they came from: api or inbound',
    labels: ['origin'],
  },
  webhook_deliveries_total: {
    type: 'counter',
    help: 'Attempts to deliver an event, by how they ended: delivered, failed or expired (no more attempts follow)',
    labels: ['status'],
  },
  trilho_delivery_seconds: {
    type: 'histogram',
    help: 'Time a subscriber took to answer one attempt',
    labels: [],
    buckets: REMOTE,
  },
  trilho_calls_total: {
    type: 'counter',
    help: 'Calls through a connection, by outcome',
    labels: ['provider', 'outcome'],
  },
  trilho_call_seconds: {
    type: 'histogram',
    help: 'Time of a call with all its attempts',
    labels: ['provider'],
    buckets: REMOTE,
  },
  trilho_cache_reads_total: {
    type: 'counter',
    help: 'Reads that a cache policy speaks of, by what came of them: hit, miss, revalidated, stale or bypassed',
    labels: ['provider', 'result'],
  },
  trilho_cache_memory_bytes: {
    type: 'gauge',
    help: 'What this process holds of cached answers in memory',
    labels: [],
  },
  trilho_limit_hits_total: {
    type: 'counter',
    help: 'Calls turned away by a limit, by whose: operation, connection, tenant, installation or vendor',
    labels: ['provider', 'level'],
  },
  api_requests_total: {
    type: 'counter',
    help: 'Calls through a connection; endpoint is the operation, not the path',
    labels: ['method', 'endpoint'],
  },
  api_response_duration_seconds: {
    type: 'histogram',
    help: 'Time of a call with all its attempts; endpoint is the operation, not the path',
    labels: ['method', 'endpoint'],
    buckets: REMOTE,
  },
  api_connections_active: { type: 'gauge', help: 'Connections that are enabled', labels: [] },
  integration_requests_total: {
    type: 'counter',
    help: 'Calls through a connection, by how they ended: success, refused, failed or unknown',
    labels: ['status'],
  },
  integration_circuit_breaker: {
    type: 'gauge',
    help: '1 for the state a breaker is in, of connections whose breaker ever opened; no series for the other states',
    labels: ['connection', 'state'],
  },
  integration_total: { type: 'counter', help: 'Calls through a connection', labels: ['provider'] },
  integration_success_total: {
    type: 'counter',
    help: 'Calls through a connection that succeeded; labels as of integration_total',
    labels: ['provider'],
  },
  trilho_queue_depth: {
    type: 'gauge',
    help: 'Rows of work that wait or run',
    labels: ['queue'],
  },
  trilho_queue_oldest_seconds: {
    type: 'gauge',
    help: 'How long the longest overdue row has waited; 0 when nothing is overdue',
    labels: ['queue'],
  },
  trilho_security_events_total: {
    type: 'counter',
    help: 'Refusals worth a look: bad signatures, bad keys, refused addresses',
    labels: ['kind'],
  },
  process_cpu_seconds_total: { type: 'gauge', help: 'Processor time used', labels: [] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory the process holds', labels: [] },
  process_start_time_seconds: { type: 'gauge', help: 'When the process started, in Unix time', labels: [] },
  nodejs_heap_used_bytes: { type: 'gauge', help: 'JavaScript heap in use', labels: [] },
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'The 99th percentile of the delay of the event loop since the last scrape',
    labels: [],
  },
} as const satisfies Record<string, Metric>

type Metric = {
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  labels: readonly string[]
  /** Upper bounds, in seconds. */
  buckets?: readonly number[]
}

type Table = typeof METRICS
type NameOf<T extends Metric['type']> = {
  [N in keyof Table]: Table[N]['type'] extends T ? N : never
}[keyof Table]

export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>
export type LabelsOf<N extends keyof Table> = { readonly [L in Table[N]['labels'][number]]: string | number }
/** The last argument of a call: the labels, or nothing where the metric has none. */
export type LabelArgs<N extends keyof Table> = [Table[N]['labels'][number]] extends [never]
  ? []
  : [labels: LabelsOf<N>]
