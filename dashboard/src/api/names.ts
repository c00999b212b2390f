import { api, ask, type PageOf } from './client.ts'
import { useRead } from './hooks.ts'
import type { paths } from './schema.ts'

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Data } } } }
}
  ? Data
  : never
type Row<List> = List extends { data: (infer One)[] } ? One : never

export type Connection = Row<Answer<'/v1/connections'>>
export type Source = Row<Answer<'/v1/sources'>>
export type Subscription = Row<Answer<'/v1/subscriptions'>>
export type Provider = Row<Answer<'/v1/providers'>>

/** Far more than a person looks through; further ones are shown by their id. */
const MOST = 1_000

/** What lists name by its id, with what people call it. */
export const useConnections = () =>
  useRead(['connections', 'names'], () =>
    all<Connection>((cursor) => ask(api.GET('/v1/connections', page(cursor)))),
  ).data ?? []

export const useSources = () =>
  useRead(['sources', 'names'], () => all<Source>((cursor) => ask(api.GET('/v1/sources', page(cursor)))))
    .data ?? []

export const useSubscriptions = () =>
  useRead(['subscriptions', 'names'], () =>
    all<Subscription>((cursor) => ask(api.GET('/v1/subscriptions', page(cursor)))),
  ).data ?? []

export const useProviders = () => useRead(['providers'], () => ask(api.GET('/v1/providers'))).data?.data ?? []

export const nameIn = (list: readonly { id: string; name: string }[], id: string): string =>
  list.find((one) => one.id === id)?.name ?? id

const page = (cursor: string | undefined) => ({ params: { query: { limit: '200', cursor } } })

async function all<One>(read: (cursor: string | undefined) => Promise<PageOf<One>>): Promise<One[]> {
  const rows: One[] = []
  let cursor: string | undefined
  do {
    const { data, next_cursor } = await read(cursor)
    rows.push(...data)
    cursor = next_cursor ?? undefined
  } while (cursor && rows.length < MOST)
  return rows
}
