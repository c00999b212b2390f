import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attributes } from '@opentelemetry/api'
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { Log } from './log.ts'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelArgs,
  type LabelsOf,
  METRICS,
} from './metrics.ts'
import { noTracing, type Span, startTracing } from './tracing.ts'

type Read = () => number | Promise<number>

/** The numbers and traces of this process. Names and labels stand in `METRICS`; a wrong one does not compile. */
export type Telemetry = {
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, n?: number): void
  observe<N extends HistogramName>(name: N, seconds: number, ...labels: LabelArgs<N>): void
  /** `read` is asked at each scrape. One that fails or takes over a second is left out of that scrape. */
  gauge<N extends GaugeName>(name: N, read: Read, ...labels: LabelArgs<N>): void
  /** As `gauge`, of things that come and go: what `read` does not name any more has no series any more. */
  gauges<N extends GaugeName>(name: N, read: () => Promise<[LabelsOf<N>, number][]>): void
  /** What `GET /metrics` answers. */
  text(): Promise<string>
  /** The content type of `text()`. */
  content_type: string
  /** Runs `work` inside a span; without a collector it only runs it. Spans begun within become its children. */
  span<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T>
  /** Resolves when spans are being kept; work that begins before runs untraced. At once without a collector. */
  ready(): Promise<void>
  /** Sends the spans that are still held. */
  close(): Promise<void>
}

/** `otlp_endpoint` turns traces on; `log` hears, at most once a minute, of a collector that is away. */
export function createTelemetry(options: { otlp_endpoint?: string | undefined; log?: Log } = {}): Telemetry {
  const registry = new Registry()
  const metrics = declare(registry)
  const readers: Reader[] = []
  const lists: ListReader[] = []
  const tracing =
    options.otlp_endpoint === undefined
      ? noTracing
      : startTracing(
          options.otlp_endpoint,
          oncePerMinute((error) => options.log?.warn({ err: error }, 'traces are not being taken')),
        )
  const telemetry: Telemetry = {
    count: (name, labels, n = 1) => metrics.counters[name].inc(labels, n),
    observe: (name, seconds, ...labels) => metrics.histograms[name].observe(labels[0] ?? {}, seconds),
    gauge: (name, read, ...labels) =>
      void readers.push({ gauge: metrics.gauges[name], read, labels: labels[0] ?? {} }),
    gauges: (name, read) => void lists.push({ gauge: metrics.gauges[name], read }),
    text: async () => {
      await Promise.all([...readers.map(ask), ...lists.map(askAll)])
      return registry.metrics()
    },
    content_type: registry.contentType,
    span: tracing.span,
    ready: tracing.ready,
    close: tracing.close,
  }
  watchProcess(telemetry)
  return telemetry
}

type Labels = Partial<Record<string, string | number>>
type ListReader = { gauge: Gauge<string>; read: () => Promise<[Labels, number][]> }
type Reader = { gauge: Gauge<string>; read: Read; labels: Labels }

function declare(registry: Registry) {
  const counters: Record<string, Counter<string>> = {}
  const gauges: Record<string, Gauge<string>> = {}
  const histograms: Record<string, Histogram<string>> = {}
  for (const [name, { type, help, labels, ...more }] of Object.entries(METRICS)) {
    const made = { name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'counter') counters[name] = new Counter(made)
    if (type === 'gauge') gauges[name] = new Gauge(made)
    if (type === 'histogram' && 'buckets' in more) {
      histograms[name] = new Histogram({ ...made, buckets: [...more.buckets] })
    }
  }
  return {
    counters: counters as Record<CounterName, Counter<string>>,
    gauges: gauges as Record<GaugeName, Gauge<string>>,
    histograms: histograms as Record<HistogramName, Histogram<string>>,
  }
}

const READ_TIMEOUT_MS = 1000

/** A gauge that cannot be read now disappears rather than lie with its last value. */
async function ask({ gauge, read, labels }: Reader): Promise<void> {
  const value = await Promise.race([readOrNull(read), sleep(READ_TIMEOUT_MS, null, { ref: false })])
  if (value === null) gauge.remove(labels)
  else gauge.set(labels, value)
}

async function askAll({ gauge, read }: ListReader): Promise<void> {
  const list = await Promise.race([readOrNull(read), sleep(READ_TIMEOUT_MS, null, { ref: false })])
  gauge.reset()
  for (const [labels, value] of list ?? []) gauge.set(labels, value)
}

async function readOrNull<T>(read: () => T | Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch {
    return null
  }
}

function watchProcess(telemetry: Telemetry): void {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  telemetry.gauge('process_cpu_seconds_total', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  telemetry.gauge('process_resident_memory_bytes', () => process.memoryUsage.rss())
  telemetry.gauge('process_start_time_seconds', () => Date.now() / 1000 - process.uptime())
  telemetry.gauge('nodejs_heap_used_bytes', () => process.memoryUsage().heapUsed)
  telemetry.gauge('nodejs_eventloop_lag_p99_seconds', () => {
    const p99 = delay.percentile(99) / 1e9
    delay.reset()
    return p99
  })
}

/** A collector that is away for an hour is sixty lines, not seven hundred. */
function oncePerMinute(tell: (error: unknown) => void): (error: unknown) => void {
  let last = Number.NEGATIVE_INFINITY
  return (error) => {
    if (performance.now() - last < 60_000) return
    last = performance.now()
    tell(error)
  }
}
