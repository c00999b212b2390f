import { spoken } from '../text/text.ts'
import { api, ask, type PageOf } from './client.ts'
import { useRead } from './hooks.ts'
import { inOurLanguage } from './provider_texts.ts'
import { useSession } from './session.tsx'
import type { RowOf } from './types.ts'

export type Connection = RowOf<'/v1/connections'>
export type Source = RowOf<'/v1/sources'>
export type Subscription = RowOf<'/v1/subscriptions'>
export type Provider = RowOf<'/v1/providers'>

/** Far more than a person looks through; further ones are shown by their id. */
const MOST = 1_000

/** What lists name by its id, with what people call it. */
export const useConnections = () =>
  useRead(['connections', 'names'], () =>
    readAll<Connection>((cursor) => ask(api.GET('/v1/connections', page(cursor)))),
  ).data ?? []

export const useSources = () =>
  useRead(['sources', 'names'], () => readAll<Source>((cursor) => ask(api.GET('/v1/sources', page(cursor)))))
    .data ?? []

export const useSubscriptions = () =>
  useRead(['subscriptions', 'names'], () =>
    readAll<Subscription>((cursor) => ask(api.GET('/v1/subscriptions', page(cursor)))),
  ).data ?? []

export const useProviders = () =>
  useRead(['providers', 'list', spoken()], async () => {
    const { data } = await ask(api.GET('/v1/providers'))
    return inOurLanguage(data)
  }).data ?? []

/** The connections of this world by which an operation can be done; null while nobody knows. */
export function useAble(wanted: string): Connection[] | null {
  const { environment } = useSession()
  const providers = useProviders()
  const connections = useConnections()
  if (providers.length === 0) return null
  const able = new Set(
    providers
      .filter(({ operations }) => operations.some(({ operation }) => operation === wanted))
      .map(({ id }) => id),
  )
  return connections.filter(
    (one) => able.has(one.provider) && (one.environment === 'production') === (environment === 'live'),
  )
}

export const nameIn = (list: readonly { id: string; name: string }[], id: string): string =>
  list.find((one) => one.id === id)?.name ?? id

const page = (cursor: string | undefined) => ({ params: { query: { limit: '200', cursor } } })

/** A list page by page, to its end or to as many as anybody looks through. */
export async function readAll<One>(
  read: (cursor: string | undefined) => Promise<PageOf<One>>,
): Promise<One[]> {
  const rows: One[] = []
  let cursor: string | undefined
  do {
    const { data, next_cursor } = await read(cursor)
    rows.push(...data)
    cursor = next_cursor ?? undefined
  } while (cursor && rows.length < MOST)
  return rows
}
