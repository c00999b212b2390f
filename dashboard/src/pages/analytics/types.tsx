import { Anchor, Group, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { useRange } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { Panel } from './panel.tsx'
import { inAddress, LATEST, type Overview, useLatestMessages } from './reads.ts'
import { useText } from './text.ts'

type Message = { event_type: string | null; state: string }
type OfType = { type: string | null; count: number; states: Map<string, number> }

const MOST = 8

/** Webhooks by the vendor's word for them and what became of them. */
export function ByType({ overview }: { overview: Overview }) {
  const say = useText()
  const read = useLatestMessages(overview)
  return (
    <Panel title={say('by_type')} about={say('by_type_about', { n: LATEST })}>
      <Shown read={read}>
        {({ data }) => (
          <Table verticalSpacing={6} fz="sm">
            <Table.Tbody>
              {count(data)
                .slice(0, MOST)
                .map((one) => (
                  <Row key={one.type ?? ''} of={one} />
                ))}
            </Table.Tbody>
          </Table>
        )}
      </Shown>
    </Panel>
  )
}

function Row({ of: { type, count, states } }: { of: OfType }) {
  const say = useText()
  const range = useRange()
  const link = `/inbound?${new URLSearchParams({ ...inAddress(range), ...(type && { event_type: type }) })}`
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={link} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {type ?? say('untyped')}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          {[...states].map(([state, n]) => (
            <Group key={state} gap={2} wrap="nowrap">
              <State of={state} />
              <Text size="xs" c="dimmed">
                {number(n)}
              </Text>
            </Group>
          ))}
        </Group>
      </Table.Td>
      <Table.Td ta="right" fw={600}>
        {number(count)}
      </Table.Td>
    </Table.Tr>
  )
}

function count(messages: Message[]): OfType[] {
  const types = new Map<string | null, OfType>()
  for (const { event_type, state } of messages) {
    const one = types.get(event_type) ?? { type: event_type, count: 0, states: new Map() }
    one.count += 1
    one.states.set(state, (one.states.get(state) ?? 0) + 1)
    types.set(event_type, one)
  }
  return [...types.values()].sort((a, b) => b.count - a.count)
}
