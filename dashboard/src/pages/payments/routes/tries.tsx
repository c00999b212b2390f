import { Box, Table, Text, Title } from '@mantine/core'
import { nameIn, useConnections } from '../../../api/names.ts'
import { Id } from '../../../parts/id.tsx'
import { To } from '../../../parts/to.tsx'
import { When } from '../../../parts/when.tsx'
import type { PaymentStory } from '../reads.ts'
import { useRoutes } from './reads.ts'
import { useText } from './route_text.ts'

/** The connections a routed payment was sent to, one after another; nothing where its connection was named. */
export function Tries({ of }: { of: PaymentStory }) {
  const say = useText()
  if (of.tries.length === 0) return null
  return (
    <>
      <Title order={2} size="h4">
        {say('tries')}
      </Title>
      <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('tries')}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th visibleFrom="sm">{say('try_n')}</Table.Th>
              <Table.Th>{say('connection')}</Table.Th>
              <Table.Th>{say('outcome')}</Table.Th>
              <Table.Th visibleFrom="sm">{say('call')}</Table.Th>
              <Table.Th ta="right">{say('when')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.tries.map((one) => (
              <Line key={one.number} of={one} />
            ))}
          </Table.Tbody>
        </Table>
      </Box>
    </>
  )
}

function Line({ of }: { of: PaymentStory['tries'][number] }) {
  const say = useText()
  const connections = useConnections()
  return (
    <Table.Tr>
      <Table.Td visibleFrom="sm">{of.number}</Table.Td>
      <Table.Td>
        <To to={`/connections/${of.connection_id}`}>{nameIn(connections, of.connection_id)}</To>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{say(of.state)}</Text>
        {of.failure && (
          <Text size="xs" c="dimmed">
            {of.failure.message ?? of.failure.reason}
          </Text>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">
        {of.call_id ? <Id of={of.call_id} to={`/calls/${of.call_id}`} /> : '–'}
      </Table.Td>
      <Table.Td ta="right">
        <When at={of.at} />
      </Table.Td>
    </Table.Tr>
  )
}

/** The route that chose the connection, by its name as long as it is there. */
export function TakenRoute({ id }: { id: string }) {
  const { data } = useRoutes()
  return data?.data.some((one) => one.id === id) ? (
    <To to={`/payments/routes/${id}`}>{nameIn(data.data, id)}</To>
  ) : (
    <Id of={id} />
  )
}
