import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { TracerConfig } from '@opentelemetry/sdk-trace-node'
import { maskText } from './mask.ts'

/** A collector that is away does not hold up the end of the process for longer. */
const CLOSE_TIMEOUT_MS = 1000

/** The span of some work, for what is only known at its end, such as a status. */
export type Span = { set(attributes: Attributes): void }

export type Tracing = {
  span<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T>
  ready(): Promise<void>
  close(): Promise<void>
}

const UNTRACED: Span = { set: () => {} }

/** No collector, no cost: the work runs and nothing is made. */
export const noTracing: Tracing = {
  span: (_name, _attributes, work) => work(UNTRACED),
  ready: async () => {},
  close: async () => {},
}

/**
 * Sends spans to an OpenTelemetry collector (OTLP over HTTP, JSON). The SDK is loaded only here, since it
 * costs 150 ms; work that begins before it is there runs untraced. A collector that is away costs the spans
 * and nothing else: `onTrouble` hears of it.
 */
export function startTracing(endpoint: string, onTrouble: (error: unknown) => void): Tracing {
  const current = new AsyncLocalStorage<Context>()
  let tracer: Tracer | undefined
  const starting = openExporter(endpoint, onTrouble).catch((error: unknown) => onTrouble(error))
  const ready = starting.then((provider) => {
    tracer = provider?.getTracer('trilho')
  })
  return {
    span(name, attributes, work) {
      if (tracer === undefined) return work(UNTRACED)
      const parent = current.getStore() ?? ROOT_CONTEXT
      const span = tracer.startSpan(name, { attributes: masked(attributes) }, parent)
      const handle: Span = { set: (more) => void span.setAttributes(masked(more)) }
      return current.run(trace.setSpan(parent, span), async () => {
        try {
          return await work(handle)
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: maskText(String(error)) })
          throw error
        } finally {
          span.end()
        }
      })
    },
    ready: () => ready,
    close: async () => {
      const sent = starting.then((provider) => provider?.shutdown()).then(() => true, onTrouble)
      const late = sleep(CLOSE_TIMEOUT_MS, false, { ref: false })
      const taken = await Promise.race([sent, late])
      if (taken === false) onTrouble(new Error('the last spans were not taken in time'))
    },
  }
}

/** What the spans say they come from. The SDK's own maker of resources adds nothing to this. */
const RESOURCE: NonNullable<TracerConfig['resource']> = {
  attributes: { 'service.name': 'trilho' },
  getRawAttributes: () => Object.entries(RESOURCE.attributes),
  merge: () => RESOURCE,
}

async function openExporter(endpoint: string, onTrouble: (error: unknown) => void) {
  const [{ BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: 2000,
  })
  const send = exporter.export.bind(exporter)
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      if (result.error !== undefined) onTrouble(result.error)
      done(result)
    })
  return new BasicTracerProvider({ resource: RESOURCE, spanProcessors: [new BatchSpanProcessor(exporter)] })
}

function masked(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes)
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? maskText(value) : value]),
  )
}
