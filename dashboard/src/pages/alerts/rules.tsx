import { ActionIcon, Badge, Box, Button, Group, Switch, Table, Text } from '@mantine/core'
import { IconPencil, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { nameIn, useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { Section } from '../settings/section.tsx'
import { FIELDS, type Rule, SEVERITY_COLORS, useKinds } from './kinds.ts'
import { RuleForm } from './rule_form.tsx'
import { useText } from './text.ts'

/** What is watched, and from where on it is too much. */
export function Rules() {
  const say = useText()
  const may = useMay()
  const [edited, setEdited] = useState<Rule | 'new' | null>(null)
  const read = useRead(['alert_rules'], () => ask(api.GET('/v1/alert-rules')))
  const add = may('alerts:write') && (
    <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEdited('new')}>
      {say('new_rule')}
    </Button>
  )
  return (
    <Section title={say('rules')} about={say('rules_about')} action={add}>
      <Shown read={read}>
        {({ data }) => (
          <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('rules')}>
            <Table verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{say('watched')}</Table.Th>
                  <Table.Th visibleFrom="sm">{say('when')}</Table.Th>
                  <Table.Th visibleFrom="sm">{say('severity')}</Table.Th>
                  <Table.Th>{say('enabled')}</Table.Th>
                  <Table.Th />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {inOrder(data).map((rule) => (
                  <Line key={rule.id} rule={rule} edit={() => setEdited(rule)} />
                ))}
              </Table.Tbody>
            </Table>
          </Box>
        )}
      </Shown>
      {edited && <RuleForm of={edited === 'new' ? null : edited} close={() => setEdited(null)} />}
    </Section>
  )
}

const KINDS = Object.keys(FIELDS)
/** By kind; of each first those for all. */
const inOrder = (rules: readonly Rule[]): Rule[] =>
  rules.toSorted(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
      Number(a.connection_id !== null) - Number(b.connection_id !== null),
  )

function Line({ rule, edit }: { rule: Rule; edit: () => void }) {
  const say = useText()
  const kind = useKinds()
  const may = useMay()
  const connections = useConnections()
  const condition = useCondition()
  const name = rule.name ?? kind(rule.kind)
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {name}
        </Text>
        <Text size="xs" c="dimmed">
          {rule.connection_id
            ? nameIn(connections, rule.connection_id)
            : rule.name
              ? kind(rule.kind)
              : FIELDS[rule.kind].of_connection && say('every')}
        </Text>
        <Text size="xs" c="dimmed" hiddenFrom="sm">
          {condition(rule)}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="sm">{condition(rule)}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Badge variant="light" color={SEVERITY_COLORS[rule.severity]} tt="none">
          {kind(rule.severity)}
        </Badge>
      </Table.Td>
      <Table.Td>
        <OnOff rule={rule} name={name} />
      </Table.Td>
      <Table.Td>
        {may('alerts:write') && (
          <Group justify="flex-end">
            <ActionIcon variant="subtle" color="gray" aria-label={say('edit', { name })} onClick={edit}>
              <IconPencil size={16} />
            </ActionIcon>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function OnOff({ rule: { id, enabled }, name }: { rule: Rule; name: string }) {
  const say = useText()
  const may = useMay()
  const set = useAct({
    act: (on: boolean) =>
      ask(api.PATCH('/v1/alert-rules/{id}', { params: { path: { id } }, body: { enabled: on } })),
    changes: ['alert_rules', 'audit'],
  })
  return (
    <Switch
      checked={set.isPending ? (set.variables ?? enabled) : enabled}
      disabled={!may('alerts:write')}
      aria-label={say('switch', { name })}
      onChange={({ currentTarget: { checked } }) => set.mutate(checked)}
    />
  )
}

/** `below 95 % · in 15 min · with 20 calls or more` */
function useCondition(): (rule: Rule) => string {
  const say = useText()
  return ({ kind, threshold, minutes, least_calls }) => {
    const fields = FIELDS[kind]
    const parts: string[] = []
    if (fields.threshold && threshold !== null) {
      const text = say(fields.threshold.unit, { n: number(threshold) })
      parts.push(say(`when_${fields.threshold.wrong}`, { threshold: text }))
    }
    if (fields.minutes && minutes !== null) {
      const is_once = fields.minutes === 'held' && minutes === 0
      parts.push(is_once ? say('when_once') : say(`when_${fields.minutes}`, { minutes }))
    }
    if (fields.least_calls && least_calls !== null) parts.push(say('when_least', { n: number(least_calls) }))
    return parts.join(' · ')
  }
}
