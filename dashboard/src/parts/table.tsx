import { Box, Button, Center, Table, Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, type ReactNode, useEffect, useMemo, useRef } from 'react'
import { useNavigate } from 'react-router'
import type { PageOf } from '../api/client.ts'
import { Waiting, Wrong } from './page.tsx'
import { useWords } from './words.ts'

export type Column<Row> = {
  title: string
  cell: (row: Row) => ReactNode
  width?: number | string
  /** Left out where the screen is narrow. */
  wide?: boolean
  right?: boolean
}

/** For a cell: one line, the whole of it where somebody points at it. */
export const cut = (text: string | null, most_px = 180) => (
  <Text size="sm" truncate maw={most_px} title={text ?? undefined}>
    {text ?? '–'}
  </Text>
)

type TableProps<Row> = {
  label: string
  columns: Column<Row>[]
  pages: ListRead<Row>
  id: (row: Row) => string
  /** Where a row leads. */
  to?: (row: Row) => string
  /** Shown where there is nothing, and no filter is set. */
  empty?: ReactNode
}

/** What the table needs of a list that is read page after page. */
export type ListRead<Row> = {
  data: { pages: PageOf<Row>[] } | undefined
  error: Error | null
  isPending: boolean
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => unknown
  /** Of a list that lets rows go: how many were before those it holds, and how they come again. */
  above?: number
  isFetchingPreviousPage?: boolean
  fetchPreviousPage?: () => unknown
  toTop?: () => unknown
}

const ROW_PX = 44
/** Pages are fetched so many rows before they are seen, or a quarter of what is held where that is less. */
const AHEAD = 100

/** A list of any length: only the rows that are seen are drawn, and the next page is read before its first row is. */
export function DataTable<Row>({ label, columns, pages, id, to, empty }: TableProps<Row>) {
  const say = useWords()
  const box = useRef<HTMLDivElement>(null)
  const held = pages.data?.pages
  const rows = useMemo(() => held?.flatMap((page) => page.data) ?? [], [held])
  const { above: gone = 0, hasNextPage, isFetchingNextPage, fetchNextPage } = pages
  const count = gone + rows.length
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const seen = virtual.getVirtualItems()
  useNeighbours(pages, seen[0]?.index ?? 0, seen.at(-1)?.index ?? 0, count)

  if (pages.error && rows.length === 0) return <Wrong error={pages.error} />
  if (pages.isPending) return <Waiting />
  if (rows.length === 0) return <>{empty ?? <Nothing />}</>
  const above = seen[0]?.start ?? 0
  const below = virtual.getTotalSize() - (seen.at(-1)?.end ?? 0)
  return (
    <Box
      ref={box}
      mah="calc(100dvh - 220px)"
      style={{ overflow: 'auto' }}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <Table highlightOnHover stickyHeader verticalSpacing="xs" aria-rowcount={hasNextPage ? -1 : count}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th
                key={column.title}
                w={column.width}
                visibleFrom={column.wide ? 'sm' : undefined}
                ta={column.right ? 'right' : undefined}
              >
                {column.title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {above > 0 && <tr aria-hidden style={{ height: above }} />}
          {seen.map(({ index }) => {
            const row = rows[index - gone]
            if (row === undefined) return <tr key={index} aria-hidden style={{ height: ROW_PX }} />
            return <Line key={id(row)} row={row} columns={columns} to={to} />
          })}
          {below > 0 && <tr aria-hidden style={{ height: below }} />}
        </Table.Tbody>
      </Table>
      {hasNextPage && (
        <Center p="xs">
          <Button variant="subtle" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {say('more')}
          </Button>
        </Center>
      )}
    </Box>
  )
}

/** Reads on where what is seen comes near the end of what is held, below or above. */
function useNeighbours<Row>(pages: ListRead<Row>, first: number, last: number, count: number): void {
  const { above = 0, hasNextPage, isFetchingNextPage, fetchNextPage } = pages
  const { isFetchingPreviousPage, fetchPreviousPage, toTop } = pages
  const ahead = Math.min(AHEAD, Math.ceil((count - above) / 4))
  // biome-ignore lint/correctness/useExhaustiveDependencies: the verbs are new at each drawing
  useEffect(() => {
    if (isFetchingNextPage || isFetchingPreviousPage) return
    if (above > 0 && first === 0 && toTop) void toTop()
    else if (above > 0 && first < above + ahead) void fetchPreviousPage?.()
    else if (hasNextPage && last >= count - ahead) void fetchNextPage()
  }, [above, hasNextPage, isFetchingNextPage, isFetchingPreviousPage, first, last, count, ahead])
}

type LineProps<Row> = {
  row: Row
  columns: Column<Row>[]
  to: ((row: Row) => string) | undefined
}

/** Drawn anew when it changes, and not because others come and go beside it. */
const Line = memo(OneLine) as typeof OneLine

/** The whole row leads where its link does; the link is for keyboards and screen readers. */
function OneLine<Row>({ row, columns, to }: LineProps<Row>) {
  const navigate = useNavigate()
  return (
    <Table.Tr
      h={ROW_PX}
      style={to && { cursor: 'pointer' }}
      onClick={(event) => {
        const is_own = (event.target as HTMLElement).closest('a, button, input, [role="menuitem"]')
        if (to && !is_own && !window.getSelection()?.toString()) navigate(to(row))
      }}
    >
      {columns.map((column) => (
        <Table.Td
          key={column.title}
          visibleFrom={column.wide ? 'sm' : undefined}
          ta={column.right ? 'right' : undefined}
        >
          {column.cell(row)}
        </Table.Td>
      ))}
    </Table.Tr>
  )
}

function Nothing() {
  const say = useWords()
  return (
    <Center mih={120}>
      <Text c="dimmed">{say('no_rows')}</Text>
    </Center>
  )
}
