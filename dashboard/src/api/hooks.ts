import { notifications } from '@mantine/notifications'
import {
  infiniteQueryOptions,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { createElement } from 'react'
import { Undoable } from '../parts/undoable.tsx'
import { useWords } from '../parts/words.ts'
import type { PageOf } from './client.ts'

/** What is shown is kept by key: the first part says what it is of (`calls`), so that a live happening refreshes it. */
export type Key = readonly [string, ...unknown[]]

/** Shows what `read` gives; kept for a moment and read again when somebody looks back at the page. */
export function useRead<Data>(
  key: Key,
  read: () => Promise<Data>,
  options: { every_ms?: number; enabled?: boolean } = {},
) {
  const { every_ms = false, enabled = true } = options
  return useQuery({ queryKey: key, queryFn: read, refetchInterval: every_ms, enabled })
}

/** Where a page stands: what it is asked by, how many rows are before its first, and the page before it. */
type Place = { cursor: string | undefined; above: number; before: Place | null }
const TOP: Place = { cursor: undefined, above: 0, before: null }

type ReadPage<Row> = (cursor: string | undefined) => Promise<PageOf<Row>>

/** A list of the API, page after page, all of them held. */
export const usePages = <Row>(key: Key, read: ReadPage<Row>, enabled = true) =>
  useInfiniteQuery(pagesOf(key, read, enabled))

/** Of a long list so many pages are held around the one that is looked at, however far somebody scrolls. */
const MOST_PAGES = 10

/**
 * As `usePages`, for a list of any length. `above` is how many rows were let go before those that are held: they come
 * again by `fetchPreviousPage`, and all begins anew by `toTop`.
 */
export function useLongList<Row>(key: Key, read: ReadPage<Row>, enabled = true) {
  const client = useQueryClient()
  const list = useInfiniteQuery({
    ...pagesOf(key, read, enabled),
    maxPages: MOST_PAGES,
    refetchOnWindowFocus: ({ state }) => aboveOf(state.data) === 0,
  })
  const toTop = () => client.resetQueries({ queryKey: key, exact: true })
  // A list that is held as it is comes again page by page: it must not begin anew.
  return { ...list, above: aboveOf(list.data), ...(enabled && { toTop }) }
}

const pagesOf = <Row>(key: Key, read: ReadPage<Row>, enabled: boolean) =>
  infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam.cursor),
    initialPageParam: TOP,
    getNextPageParam: ({ next_cursor, data }, _pages, at): Place | undefined =>
      next_cursor === null ? undefined : { cursor: next_cursor, above: at.above + data.length, before: at },
    getPreviousPageParam: (_page, _pages, at) => at.before ?? undefined,
    enabled,
  })

/** How many rows of a list were let go before those that are held; 0 of all else that is read. */
const aboveOf = (data: unknown): number =>
  (data as { pageParams?: Place[] } | undefined)?.pageParams?.[0]?.above ?? 0

export type Doing<Input, Data> = {
  act: (input: Input) => Promise<Data>
  /** Said when it is done; nothing is said without it. */
  done?: string | ((data: Data) => string)
  /** What is read again, by the first part of its key. */
  changes?: string[]
  then?: (data: Data) => void
  /** What takes it back, where that can be done: offered beside what is said. */
  undo?: (input: Input) => Promise<unknown>
}

/** Does something once it is told to, says how it went, and reads anew what it changed. */
export function useAct<Input = void, Data = unknown>(doing: Doing<Input, Data>) {
  const { act, done, changes = [], then, undo } = doing
  const client = useQueryClient()
  const closeButtonProps = { 'aria-label': useWords()('close') }
  const complain = ({ message }: Error) =>
    notifications.show({ color: 'red', message, autoClose: LONG_MS, closeButtonProps })
  const offer = (text: string, input: Input) => {
    const back = () => {
      notifications.hide(shown)
      void undo?.(input).then(() => refresh(client, changes), complain)
    }
    const message = createElement(Undoable, { text, back })
    const shown = notifications.show({ color: 'teal', message, autoClose: LONG_MS, closeButtonProps })
  }
  return useMutation({
    mutationFn: act,
    onSuccess: (data, input) => {
      const message = typeof done === 'function' ? done(data) : done
      if (message && undo) offer(message, input)
      else if (message) notifications.show({ color: 'teal', message, closeButtonProps })
      refresh(client, changes)
      then?.(data)
    },
    onError: complain,
  })
}

/** For what somebody has to read, or may want to press. */
const LONG_MS = 10_000

export function refresh(client: QueryClient, kinds: readonly string[]): void {
  for (const kind of kinds) void client.invalidateQueries({ queryKey: [kind] })
}

/** By what happens at the top a list does not change whose newest rows were let go: nobody looks there. */
export function refreshSeen(client: QueryClient, kinds: readonly string[]): void {
  const predicate = ({ state }: { state: { data: unknown } }) => aboveOf(state.data) === 0
  for (const kind of kinds) void client.invalidateQueries({ queryKey: [kind], predicate })
}
