import { Box, Table, Text, Title } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { duration } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import type { TransferStory } from './reads.ts'
import { useText } from './text.ts'

/** Which calls of a transfer are shown; all of them are in its story. */
const MOST = '20'

/** What its bank was asked about it, the latest first. */
export function Calls({ of }: { of: TransferStory }) {
  const say = useText()
  const enabled = useMay()('calls:read')
  const q = of.vendor_id ?? of.id
  const read = useRead(
    ['calls', 'about', q],
    () => ask(api.GET('/v1/calls', { params: { query: { q, limit: MOST } } })),
    { enabled },
  )
  if (!enabled) return null
  return (
    <>
      <Title order={2} size="h4">
        {say('calls')}
      </Title>
      <Shown read={read}>
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm" c="dimmed">
              {say('calls_none')}
            </Text>
          ) : (
            <CallTable of={data} />
          )
        }
      </Shown>
    </>
  )
}

type Call = {
  id: string
  operation: string | null
  path: string
  state: string
  duration_ms: number | null
  created_at: string
}

function CallTable({ of }: { of: Call[] }) {
  const say = useText()
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('calls')}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('status')}</Table.Th>
            <Table.Th>{say('call')}</Table.Th>
            <Table.Th ta="right">{say('when')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((call) => (
            <Table.Tr key={call.id}>
              <Table.Td>
                <State of={call.state} />
              </Table.Td>
              <Table.Td>
                <To to={`/calls/${call.id}`}>{call.operation ?? call.path}</To>{' '}
                <Text span size="xs" c="dimmed">
                  {duration(call.duration_ms)}
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                <When at={call.created_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}
