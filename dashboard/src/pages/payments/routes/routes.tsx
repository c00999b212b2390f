import { Badge, Box, Button, Group, Stack, Table, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { nameIn, useConnections } from '../../../api/names.ts'
import { useMay } from '../../../api/session.tsx'
import { Empty, Shown } from '../../../parts/page.tsx'
import { To } from '../../../parts/to.tsx'
import { When } from '../../../parts/when.tsx'
import { useRoutes } from './reads.ts'
import type { Route } from './route_draft.ts'
import { useText } from './route_text.ts'

/** The routes: which connections take a payment that names none. */
export function Component() {
  const say = useText()
  return (
    <Shown read={useRoutes()}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty title={say('none')} action={<New />}>
            {say('none_next')}
          </Empty>
        ) : (
          <Stack gap="sm">
            <Group justify="space-between">
              <Text size="sm" c="dimmed">
                {say('about')}
              </Text>
              <New />
            </Group>
            <RouteTable of={data} />
          </Stack>
        )
      }
    </Shown>
  )
}

function New() {
  const say = useText()
  const may = useMay()
  if (!may('payments:write')) return null
  return (
    <Button size="xs" component={Link} to="/payments/routes/new" leftSection={<IconPlus size={14} />}>
      {say('new')}
    </Button>
  )
}

function RouteTable({ of }: { of: Route[] }) {
  const say = useText()
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('routes')}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('name')}</Table.Th>
            <Table.Th>{say('rules')}</Table.Th>
            <Table.Th visibleFrom="sm">{say('connections')}</Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              {say('updated')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((route) => (
            <Line key={route.id} of={route} />
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function Line({ of: { id, name, is_default, rules, updated_at } }: { of: Route }) {
  const say = useText()
  const connections = useConnections()
  const asked = [...new Set(rules.flatMap(({ connection_ids }) => connection_ids))]
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          <To to={`/payments/routes/${id}`} fw={600}>
            {name}
          </To>
          {is_default && (
            <Badge variant="light" tt="none" miw="max-content">
              {say('default')}
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>{rules.length === 1 ? say('one_rule') : say('n_rules', { n: rules.length })}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Text size="sm" lineClamp={2}>
          {asked.map((one) => nameIn(connections, one)).join(', ')}
        </Text>
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        <When at={updated_at} />
      </Table.Td>
    </Table.Tr>
  )
}
