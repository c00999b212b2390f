import { Anchor, Button, Group, SegmentedControl, Stack, Table, Text, Title } from '@mantine/core'
import { useEffect, useState } from 'react'
import { ask } from '../api/client.ts'
import { useAct, usePages } from '../api/hooks.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Empty, Shown } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { When } from '../parts/when.tsx'
import { useWords } from '../parts/words.ts'
import { api, type Delivery } from './api.ts'
import { hrefOf } from './place.ts'
import { useText } from './text.ts'

type Filter = 'all' | 'pending' | 'delivered' | 'failed'
type Of = { id: string; may_edit: boolean }

/** What was sent to one address, newest first; what is under way is looked at again by itself. */
export function Deliveries({ id, may_edit }: Of) {
  const say = useText()
  const [filter, setFilter] = useState<Filter>('all')
  const choices = [
    { value: 'all', label: say('all') },
    { value: 'pending', label: say('pending') },
    { value: 'delivered', label: say('succeeded') },
    { value: 'failed', label: say('exhausted') },
  ]
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {say('deliveries')}
        </Title>
        {may_edit && <ResendFailed id={id} />}
      </Group>
      <SegmentedControl
        size="xs"
        style={{ alignSelf: 'flex-start' }}
        aria-label={say('state')}
        value={filter}
        onChange={(value) => setFilter(value as Filter)}
        data={choices}
      />
      <Rows id={id} filter={filter} />
    </Stack>
  )
}

/** Looked at again while something is under way, and while nothing is. */
const [SOON_MS, LATER_MS] = [2_000, 15_000]

function Rows({ id, filter }: { id: string; filter: Filter }) {
  const say = useText()
  const word = useWords()
  const read = usePages(['deliveries', id, filter], (cursor) => {
    const query = { limit: '25', ...(filter !== 'all' && { state: filter }), ...(cursor && { cursor }) }
    return ask(api.GET('/v1/portal/subscriptions/{id}/deliveries', { params: { path: { id }, query } }))
  })
  const rows = read.data?.pages.flatMap(({ data }) => data) ?? []
  const { refetch } = read
  const every_ms = rows.some(({ state }) => state === 'pending') ? SOON_MS : LATER_MS
  useEffect(() => {
    const timer = setInterval(() => void refetch(), every_ms)
    return () => clearInterval(timer)
  }, [refetch, every_ms])
  return (
    <Shown read={read}>
      {() =>
        rows.length === 0 ? (
          <Empty title={say('no_deliveries')}>{filter === 'all' && say('no_deliveries_about')}</Empty>
        ) : (
          <>
            <Table highlightOnHover verticalSpacing="xs" aria-label={say('deliveries')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{say('event')}</Table.Th>
                  <Table.Th>{say('state')}</Table.Th>
                  <Table.Th visibleFrom="xs">{say('answer')}</Table.Th>
                  <Table.Th visibleFrom="xs" ta="right">
                    {say('attempts')}
                  </Table.Th>
                  <Table.Th ta="right">{say('when')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row) => (
                  <Row key={row.id} id={id} of={row} />
                ))}
              </Table.Tbody>
            </Table>
            {read.hasNextPage && (
              <Button
                variant="default"
                loading={read.isFetchingNextPage}
                onClick={() => read.fetchNextPage()}
              >
                {word('more')}
              </Button>
            )}
          </>
        )
      }
    </Shown>
  )
}

function Row({ id, of }: { id: string; of: Delivery }) {
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Anchor href={hrefOf({ at: 'delivery', id, delivery_id: of.id })} size="sm">
          {of.event_type}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <State of={of.state} />
      </Table.Td>
      <Table.Td visibleFrom="xs">
        <Text size="sm" lineClamp={1}>
          {of.status === null ? (of.error ?? '–') : `HTTP ${of.status}`}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="xs" ta="right">
        {of.attempts}
      </Table.Td>
      <Table.Td ta="right">
        <When at={of.created_at} />
      </Table.Td>
    </Table.Tr>
  )
}

const WEEK_MS = 7 * 86_400_000

function ResendFailed({ id }: { id: string }) {
  const say = useText()
  const resend = useAct({
    act: () =>
      ask(
        api.POST('/v1/portal/subscriptions/{id}/resend', {
          params: { path: { id } },
          body: { since: new Date(Date.now() - WEEK_MS).toISOString() },
        }),
      ),
    done: ({ total }) => say('resending', { n: total }),
    changes: ['deliveries'],
  })
  return (
    <Confirm
      size="xs"
      variant="default"
      question={say('resend_failed_sure')}
      verb={say('resend')}
      act={() => resend.mutateAsync()}
      loading={resend.isPending}
    >
      {say('resend_failed')}
    </Confirm>
  )
}
