import { Anchor, Group, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { useRange } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { spoken } from '../../text/text.ts'
import { Panel } from './panel.tsx'
import { inAddress, type Overview, useReceivedTypes, useSentTypes } from './reads.ts'
import { useText } from './text.ts'

type OfType = { type: string | null; count: number; states: Record<string, number> }

const MOST = 8

/** Webhooks that came in, by the vendor's word for them and what became of them. */
export function ReceivedByType({ overview }: { overview: Overview }) {
  const say = useText()
  const address = inAddress(useRange())
  const read = useReceivedTypes(overview)
  const link = (type: string | null) =>
    `/inbound?${new URLSearchParams({ ...address, ...(type !== null && { event_type: type }) })}`
  return (
    <Panel title={say('received_by')} about={say('received_about')}>
      <Shown read={read}>
        {({ types, counted, counted_since }) => (
          <>
            {counted_since && (
              <Text size="xs" c="orange">
                {say('counted_part', { n: number(counted), since: timeOf(counted_since) })}
              </Text>
            )}
            <ByType
              of={types.map(({ event_type, ...one }) => ({ type: event_type, ...one }))}
              nothing={say('none_received')}
              link={link}
            />
          </>
        )}
      </Shown>
    </Panel>
  )
}

/** Webhooks that went out, by the type of their events and how each attempt ended. */
export function SentByType({ overview }: { overview: Overview }) {
  const say = useText()
  const read = useSentTypes(overview)
  return (
    <Panel title={say('sent_by')} about={say('sent_about')}>
      <Shown read={read}>
        {(subjects) => (
          <ByType
            of={subjects.map(({ subject, count, outcomes }) => ({ type: subject, count, states: outcomes }))}
            nothing={say('none_sent')}
            link={(type) => `/outbound/events?${new URLSearchParams({ type: type ?? '' })}`}
          />
        )}
      </Shown>
    </Panel>
  )
}

const timeOf = (at: string): string =>
  new Date(at).toLocaleString(spoken(), { dateStyle: 'short', timeStyle: 'short' })

type ByTypeProps = { of: OfType[]; nothing: string; link: (type: string | null) => string }

/** The busiest by name, and how many the others were. */
function ByType({ of, nothing, link }: ByTypeProps) {
  const say = useText()
  if (of.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {nothing}
      </Text>
    )
  const others = of.slice(MOST)
  return (
    <Table verticalSpacing={6} fz="sm">
      <Table.Tbody>
        {of.slice(0, MOST).map((one) => (
          <Row key={one.type ?? ''} of={one} to={link(one.type)} />
        ))}
        {others.length > 0 && (
          <Table.Tr>
            <Table.Td colSpan={2} c="dimmed">
              {say('other_types', { n: number(others.length) })}
            </Table.Td>
            <Table.Td ta="right">{number(others.reduce((sum, { count }) => sum + count, 0))}</Table.Td>
          </Table.Tr>
        )}
      </Table.Tbody>
    </Table>
  )
}

function Row({ of: { type, count, states }, to }: { of: OfType; to: string }) {
  const say = useText()
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={to} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {type ?? say('untyped')}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          {Object.entries(states).map(([state, n]) => (
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
