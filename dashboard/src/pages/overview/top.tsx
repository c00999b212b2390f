import { Anchor, Group, Paper, Table, Title } from '@mantine/core'
import { Link } from 'react-router'
import { duration, number, percent } from '../../parts/figures.ts'
import { State } from '../../parts/state.tsx'
import type { Overview } from './overview.tsx'
import { useText } from './text.ts'

/** The connections with the most calls. */
export function Top({ list }: { list: Overview['calls']['top_connections'] }) {
  const say = useText()
  if (list.length === 0) return null
  return (
    <Paper withBorder radius="md" p="sm">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          {say('top')}
        </Title>
        <Anchor component={Link} to="/connections" size="sm">
          {say('all_connections')}
        </Anchor>
      </Group>
      <Table highlightOnHover verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('connections')}</Table.Th>
            <Table.Th visibleFrom="sm">{say('health')}</Table.Th>
            <Table.Th ta="right">{say('calls')}</Table.Th>
            <Table.Th ta="right">{say('success')}</Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              {say('errors')}
            </Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              {say('mean')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.map((one) => (
            <Table.Tr key={one.connection_id}>
              <Table.Td>
                <Anchor component={Link} to={`/connections/${one.connection_id}`} size="sm">
                  {one.name ?? one.connection_id}
                </Anchor>
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <State of={one.health} />
              </Table.Td>
              <Table.Td ta="right">{number(one.calls)}</Table.Td>
              <Table.Td ta="right">{percent(one.success_rate)}</Table.Td>
              <Table.Td ta="right" visibleFrom="sm">
                {number(one.errors)}
              </Table.Td>
              <Table.Td ta="right" visibleFrom="sm">
                {duration(one.mean_ms)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}
