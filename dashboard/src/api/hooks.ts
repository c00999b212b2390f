import { notifications } from '@mantine/notifications'
import {
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
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

/** A list of the API, page after page. */
export function usePages<Row>(
  key: Key,
  read: (cursor: string | undefined) => Promise<PageOf<Row>>,
  enabled = true,
) {
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled,
  })
}

type Doing<Input, Data> = {
  act: (input: Input) => Promise<Data>
  /** Said when it is done; nothing is said without it. */
  done?: string | ((data: Data) => string)
  /** What is read again, by the first part of its key. */
  changes?: string[]
  then?: (data: Data) => void
}

/** Does something once it is told to, says how it went, and reads anew what it changed. */
export function useAct<Input = void, Data = unknown>({ act, done, changes = [], then }: Doing<Input, Data>) {
  const client = useQueryClient()
  const closeButtonProps = { 'aria-label': useWords()('close') }
  return useMutation({
    mutationFn: act,
    onSuccess: (data) => {
      const message = typeof done === 'function' ? done(data) : done
      if (message) notifications.show({ color: 'teal', message, closeButtonProps })
      refresh(client, changes)
      then?.(data)
    },
    onError: ({ message }) =>
      notifications.show({ color: 'red', message, autoClose: 10_000, closeButtonProps }),
  })
}

export function refresh(client: QueryClient, kinds: readonly string[]): void {
  for (const kind of kinds) void client.invalidateQueries({ queryKey: [kind] })
}
