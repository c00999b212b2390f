import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { inOurLanguage } from '../../api/provider_texts.ts'
import type { paths } from '../../api/schema.ts'
import type { ListRead } from '../../parts/table.tsx'
import { spoken } from '../../text/text.ts'
import type { Field } from './fields.ts'

/** What several pages of this place read, each under one key, so that they share it. */

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Data } } } }
}
  ? Data
  : never

export type Connection = Answer<'/v1/connections'>['data'][number]
export type OneConnection = Answer<'/v1/connections/{id}'>
export type Breaker = Answer<'/v1/connections/{id}/breaker'>
export type LimitsReport = Answer<'/v1/connections/{id}/limits'>
export type Rate = LimitsReport['rates'][number]
export type Limits = Connection['limits']
export type Metrics = Answer<'/v1/metrics/connections'>
export type Figures = Omit<Metrics['connections'][number], 'connection_id'>
export type HealthCheck = Answer<'/v1/connections/{id}/health/checks'>['data'][number]
export type CachePolicy = Answer<'/v1/connections/{id}/cache'>['policies'][number]

/** A manifest as far as the dashboard reads it; the document of the API leaves its fields open. */
export type Provider = Omit<Answer<'/v1/providers'>['data'][number], 'fields' | 'webhooks'> & {
  fields: Field[]
  base_url?: { live: string; test: string } | null
  limits?: { requests_per_minute?: number; requests_per_hour?: number; timeout_ms?: number }
  webhooks: { fields: Field[]; signature: string } | null
}

const PAGE = '200'
/** So many connections are shown at once; whoever has more searches by the box at the top. */
const MOST = 2_000
const EVERY_MS = 30_000

async function readConnections(): Promise<Connection[]> {
  const all: Connection[] = []
  let cursor: string | undefined
  do {
    const query = { limit: PAGE, ...(cursor !== undefined && { cursor }) }
    const page = await ask(api.GET('/v1/connections', { params: { query } }))
    all.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && all.length < MOST)
  return all
}

export const useConnections = () => useRead(['connections', 'list'], readConnections, { every_ms: EVERY_MS })

/** Of the last 24 hours, by connection. */
export function useFigures(enabled: boolean) {
  return useRead(
    ['connections', 'figures'],
    async () => {
      const { connections } = await ask(api.GET('/v1/metrics/connections'))
      return new Map(connections.map((one) => [one.connection_id, one]))
    },
    { every_ms: EVERY_MS, enabled },
  )
}

export function useProviders() {
  return useRead(['providers', 'list', spoken()], async () => {
    const { data } = await ask(api.GET('/v1/providers'))
    return inOurLanguage(data as unknown as Provider[])
  })
}

export const useProvider = (id: string) =>
  useRead(['providers', 'one', id, spoken()], async () => {
    const one = await ask(api.GET('/v1/providers/{id}', { params: { path: { id } } }))
    return (await inOurLanguage([one as unknown as Provider]))[0] as Provider
  })

export const useConnection = (id: string) =>
  useRead(
    ['connections', 'one', id],
    () => ask(api.GET('/v1/connections/{id}', { params: { path: { id } } })),
    { every_ms: EVERY_MS },
  )

export const useBreaker = (id: string, enabled = true) =>
  useRead(
    ['connections', 'breaker', id],
    () => ask(api.GET('/v1/connections/{id}/breaker', { params: { path: { id } } })),
    { enabled, every_ms: EVERY_MS },
  )

export const useLimits = (id: string, enabled = true, every_ms = EVERY_MS) =>
  useRead(
    ['connections', 'limits', id],
    () => ask(api.GET('/v1/connections/{id}/limits', { params: { path: { id } } })),
    { enabled, every_ms },
  )

export const useAuthorization = (id: string, every_ms?: number) =>
  useRead(
    ['connections', 'authorization', id],
    () => ask(api.GET('/v1/connections/{id}/authorization', { params: { path: { id } } })),
    { every_ms },
  )

/** A list that is read whole, as a table wants it. */
export function asPages<Row>(
  rows: Row[] | undefined,
  error: Error | null,
  is_pending = rows === undefined && error === null,
): ListRead<Row> {
  return {
    data: rows && { pages: [{ data: rows, next_cursor: null }] },
    error,
    isPending: is_pending,
    hasNextPage: false,
    isFetchingNextPage: false,
    fetchNextPage: () => undefined,
  }
}

/** The count of calls nearest its limit; null where nothing limits them. */
export function nearest(rates: readonly Rate[]): Rate | null {
  const of_calls = rates.filter(({ unit, level }) => unit === 'calls' && level === 'connection')
  return of_calls.reduce<Rate | null>(
    (most, rate) => (most === null || share(rate) > share(most) ? rate : most),
    null,
  )
}

/** How much of a limit is used, in percent. */
export const share = ({ used, limit }: Pick<Rate, 'used' | 'limit'>): number =>
  limit === 0 ? 100 : Math.min(100, (used * 100) / limit)
