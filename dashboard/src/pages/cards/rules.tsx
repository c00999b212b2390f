import { Badge, Box, Button, Group, Stack, Table, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useMay } from '../../api/session.tsx'
import { money } from '../../parts/money.ts'
import { Empty, Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { To } from '../../parts/to.tsx'
import { type Rule, useRules } from './reads.ts'
import { useText as useRuleText } from './rule_text.ts'
import { useText } from './text.ts'

/** The rules for authorizations, in the order in which they are asked. */
export function Component() {
  const say = useText()
  return (
    <Shown read={useRules()}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty title={say('rule_none')} action={<NewRule />}>
            {say('rule_none_next')}
          </Empty>
        ) : (
          <Stack gap="sm">
            <Group justify="space-between">
              <Text size="sm" c="dimmed" maw={640}>
                {say('rules_about')}
              </Text>
              <NewRule />
            </Group>
            <RuleTable of={data} />
          </Stack>
        )
      }
    </Shown>
  )
}

function NewRule() {
  const say = useRuleText()
  const may = useMay()
  if (!may('cards:write')) return null
  return (
    <Button size="xs" component={Link} to="/cards/rules/new" leftSection={<IconPlus size={14} />}>
      {say('new')}
    </Button>
  )
}

function RuleTable({ of }: { of: Rule[] }) {
  const say = useText()
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('rules')}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th ta="right" visibleFrom="sm">
              {say('position')}
            </Table.Th>
            <Table.Th>{say('rule')}</Table.Th>
            <Table.Th>{say('answer_is')}</Table.Th>
            <Table.Th>{say('conditions')}</Table.Th>
            <Table.Th visibleFrom="sm">{say('status')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((rule) => (
            <RuleLine key={rule.id} of={rule} />
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function RuleLine({ of }: { of: Rule }) {
  const say = useText()
  return (
    <Table.Tr>
      <Table.Td ta="right" visibleFrom="sm">
        {of.position}
      </Table.Td>
      <Table.Td>
        <To to={`/cards/rules/${of.id}`} fw={600}>
          {of.name}
        </To>
      </Table.Td>
      <Table.Td>
        <Badge
          variant="light"
          color={of.action === 'approve' ? 'teal' : 'orange'}
          tt="none"
          fw={600}
          miw="max-content"
        >
          {say(of.action)}
        </Badge>
      </Table.Td>
      <Table.Td>
        <Conditions of={of.conditions} />
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <State of={of.state} />
      </Table.Td>
    </Table.Tr>
  )
}

const LISTS = [
  'categories',
  'category_codes',
  'countries',
  'outside',
  'methods',
  'customers',
  'cardholders',
] as const

function Conditions({ of }: { of: Rule['conditions'] }) {
  const say = useText()
  const lines = [
    ...(of.above ? [`${say('above')} ${money(of.above)}`] : []),
    ...LISTS.flatMap((name) => (of[name] ? [`${say(name)}: ${of[name].join(', ')}`] : [])),
    ...(of.unauthenticated ? [say('unauthenticated')] : []),
  ]
  if (lines.length === 0) return <>{say('always')}</>
  return (
    <>
      {lines.map((line) => (
        <Text key={line} size="sm" lineClamp={2} title={line}>
          {line}
        </Text>
      ))}
    </>
  )
}
