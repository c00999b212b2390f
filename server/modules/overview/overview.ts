import { inTenant, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { listOpenBreakers, listTightLimits } from '../calls/calls.ts'
import { type LimitedConnection, listNamed, summarize } from '../connections/connections.ts'
import { readBacklog as readInbox } from '../inbound/inbound.ts'
import {
  addAll,
  type Busy,
  type Counts,
  type Flow,
  listBusiest,
  listCounts,
  listTraffic,
  nothing,
  SIZE_MS,
  spansOf,
  TOGETHER,
  toFigures,
  toFlow,
  writeCounts,
} from '../metrics/metrics.ts'
import { readBacklog as readDeliveries } from '../outbound/outbound.ts'
import { holds } from '../tenants/tenants.ts'
import { type Range, rangeOf, stepsOf } from './range.ts'
import type { CallStep, Overview, OverviewQuery } from './schema.ts'

/**
 * How the border of a tenant does, on one page: what the dashboard opens with. Everything is read from what was
 * counted meanwhile, never from the records, so that a month costs no more than an hour.
 */

const MOST_TOP = 10
const MOST_BREAKERS = 50
const MOST_LIMITS = 20
/** Whose limits are looked at: those that were busiest in the last day, the longest period most vendors count. */
const MOST_LOOKED_AT = 200
const NEAR_PERCENT = 80

export async function readOverview(app: App, actor: Actor, query: OverviewQuery): Promise<Overview> {
  const now_ms = app.clock.now().getTime()
  const range = rangeOf(now_ms, query)
  await writeCounts(app)
  const { limited, ...read } = await inTenant(app.db, actor.tenant_id, (tx) =>
    readAll(tx, actor, range, now_ms),
  )
  const limits = await listTightLimits(app, actor.tenant_id, limited, NEAR_PERCENT)
  return {
    from: new Date(range.from_ms).toISOString(),
    to: new Date(range.to_ms).toISOString(),
    step: range.step,
    previous: {
      from: new Date(range.previous_ms).toISOString(),
      to: new Date(range.from_ms).toISOString(),
    },
    ...read,
    limits: limits.slice(0, MOST_LIMITS).map(({ remaining: _remaining, connection_id, ...limit }) => ({
      ...limit,
      ...named(connection_id, limited),
    })),
  }
}

async function readAll(tx: Tx, actor: Actor, range: Range, now_ms: number) {
  const { tenant_id } = actor
  const sees = (scope: string) => holds(actor.scopes, scope)
  const busiest = await listBusiest(tx, tenant_id, range.whole, MOST_TOP)
  const breakers = await listOpenBreakers(tx, tenant_id, MOST_BREAKERS)
  const lately = await listBusiest(tx, tenant_id, lastDay(now_ms), MOST_LOOKED_AT)
  const shown = [...busiest, ...breakers, ...lately].map(({ connection_id }) => connection_id)
  const known = sees('connections:read') ? await listNamed(tx, tenant_id, [...new Set(shown)]) : []
  const is_busy = new Set(lately.map(({ connection_id }) => connection_id))
  const flows = await readFlows(tx, actor, range)
  return {
    connections: sees('connections:read') ? toConnections(await summarize(tx, tenant_id)) : null,
    calls: {
      ...(await readCalls(tx, tenant_id, range)),
      top_connections: busiest.map((one) => toTop(one, known)),
    },
    inbound: sees('sources:read') ? { ...flows('inbound'), backlog: await readInbox(tx, tenant_id) } : null,
    outbound: sees('subscriptions:read')
      ? { ...flows('outbound'), backlog: await readDeliveries(tx, tenant_id) }
      : null,
    breakers: breakers.map((one) => ({
      connection_id: toWire('connection', one.connection_id),
      name: known.find(({ id }) => id === one.connection_id)?.name ?? null,
      state: one.state === 'open' ? ('open' as const) : ('half_open' as const),
      reason: one.reason,
      opened_at: one.opened_at?.toISOString() ?? null,
      next_attempt_at: one.next_attempt_at?.toISOString() ?? null,
    })),
    limited: known.filter(({ id }) => is_busy.has(id)),
  }
}

const lastDay = (now_ms: number) => spansOf(now_ms - SIZE_MS.day, now_ms, ['hour'])

async function readCalls(tx: Tx, tenant_id: string, range: Range) {
  const rows = await listCounts(tx, tenant_id, range.series, TOGETHER)
  const before = await listCounts(tx, tenant_id, range.previous, TOGETHER)
  const at = new Map(rows.map((row) => [row.at.getTime(), row]))
  return {
    total: figuresOf(rows),
    previous: figuresOf(before),
    series: [...stepsOf(range)].map((ms) => toStep(ms, at.get(ms) ?? nothing())),
  }
}

function toStep(at_ms: number, counts: Counts): CallStep {
  const { calls, succeeded, success_rate, mean_ms, p50_ms, p95_ms, p99_ms, errors, ...rest } =
    toFigures(counts)
  return {
    at: new Date(at_ms).toISOString(),
    ...{ calls, succeeded, errors: calls - succeeded, limited: errors['limiter'] ?? 0 },
    ...{ success_rate, mean_ms, p50_ms, p95_ms, p99_ms },
    ...{ cache_hits: rest.cache_hits, cache_misses: rest.cache_misses },
  }
}

function figuresOf(rows: readonly Counts[]) {
  const total = nothing()
  for (const row of rows) addAll(total, row)
  return toFigures(total)
}

async function readFlows(tx: Tx, { tenant_id }: Actor, range: Range) {
  const rows = await listTraffic(tx, tenant_id, range.series)
  const before = await listTraffic(tx, tenant_id, range.previous)
  return (direction: Flow['direction']) => {
    const own = rows.filter((row) => row.direction === direction)
    const steps = Map.groupBy(own, (row) => row.at.getTime())
    return {
      total: toFlow(own),
      previous: toFlow(before.filter((row) => row.direction === direction)),
      series: [...stepsOf(range)].map((ms) => ({
        at: new Date(ms).toISOString(),
        ...toFlow(steps.get(ms) ?? []),
      })),
    }
  }
}

const tenth = (n: number): number => Math.round(n * 10) / 10

function toConnections(rows: Awaited<ReturnType<typeof summarize>>): NonNullable<Overview['connections']> {
  const by_health = { unknown: 0, healthy: 0, degraded: 0, unhealthy: 0 }
  let [enabled, disabled] = [0, 0]
  for (const { state, health, count } of rows) {
    if (state === 'disabled') disabled += count
    else {
      enabled += count
      by_health[health] += count
    }
  }
  return { total: enabled + disabled, enabled, disabled, by_health }
}

function toTop({ connection_id, calls, succeeded, total_ms }: Busy, known: readonly LimitedConnection[]) {
  const connection = known.find(({ id }) => id === connection_id)
  return {
    connection_id: toWire('connection', connection_id),
    name: connection?.name ?? null,
    provider: connection?.provider ?? null,
    state: connection?.state ?? null,
    health: connection?.health ?? null,
    calls,
    succeeded,
    errors: calls - succeeded,
    success_rate: tenth((succeeded * 100) / calls),
    mean_ms: tenth(total_ms / calls),
  }
}

const named = (id: string | null, known: readonly LimitedConnection[]) => ({
  connection_id: id && toWire('connection', id),
  name: known.find((one) => one.id === id)?.name ?? null,
})
