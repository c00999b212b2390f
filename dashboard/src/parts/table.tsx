import { Box, Button, Center, Loader, Table, Text } from '@mantine/core'
import type { useInfiniteQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { useNavigate } from 'react-router'
import type { PageOf } from '../api/client.ts'
import { Wrong } from './page.tsx'
import { useWords } from './words.ts'

export type Column<Row> = {
  title: string
  cell: (row: Row) => ReactNode
  width?: number | string
  /** Left out where the screen is narrow. */
  wide?: boolean
  right?: boolean
}

type TableProps<Row> = {
  label: string
  columns: Column<Row>[]
  pages: ReturnType<typeof useInfiniteQuery<PageOf<Row>>> | ListRead<Row>
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
}

const ROW_PX = 44
/** Pages are fetched so many rows before the last one is seen. */
const AHEAD = 15

/** A list of any length: only the rows that are seen are drawn, and the next page is read before its first row is. */
export function DataTable<Row>({ label, columns, pages, id, to, empty }: TableProps<Row>) {
  const say = useWords()
  const box = useRef<HTMLDivElement>(null)
  const rows = pages.data?.pages.flatMap((page) => page.data) ?? []
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const seen = virtual.getVirtualItems()
  const last = seen.at(-1)?.index ?? 0
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= rows.length - AHEAD) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, rows.length])

  if (pages.error && rows.length === 0) return <Wrong error={pages.error} />
  if (pages.isPending) {
    return (
      <Center mih={160}>
        <Loader aria-label={say('loading')} />
      </Center>
    )
  }
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
      <Table
        highlightOnHover
        stickyHeader
        verticalSpacing="xs"
        aria-rowcount={hasNextPage ? -1 : rows.length}
      >
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
            const row = rows[index]
            return row === undefined ? null : <Line key={id(row)} row={row} columns={columns} to={to} />
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

/** The whole row leads where its link does; the link is for keyboards and screen readers. */
function Line<Row>({
  row,
  columns,
  to,
}: {
  row: Row
  columns: Column<Row>[]
  to: ((row: Row) => string) | undefined
}) {
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
