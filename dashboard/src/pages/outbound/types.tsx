import { Accordion, Badge, Button, Group, Stack, Tabs, Text, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useAct } from '../../api/hooks.ts'
import type { RowOf } from '../../api/types.ts'
import { download } from '../../parts/download.ts'
import { Body } from '../../parts/json.tsx'
import { Empty, Shown } from '../../parts/page.tsx'
import { To } from '../../parts/to.tsx'
import { useText } from './event_text.ts'
import { useCatalog } from './publish.tsx'
import { describedAs } from './type_descriptions.ts'

type EventType = RowOf<'/v1/event-types'>

/** The catalog: every event type with its schema and an example. */
export function Component() {
  const say = useText()
  const read = useCatalog()
  const [query, setQuery] = useState('')
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <TextInput
          size="xs"
          w={260}
          aria-label={say('search')}
          placeholder={say('search')}
          leftSection={<IconSearch size={14} />}
          value={query}
          onChange={({ currentTarget }) => setQuery(currentTarget.value)}
        />
        <Group gap="xs">
          <Take path="/v1/event-types/page.html" label={say('page')} />
          <Take path="/v1/event-types/types.d.ts" label={say('declarations')} />
        </Group>
      </Group>
      <Shown read={read}>{({ data }) => <Types of={data.filter((one) => fits(one, query))} />}</Shown>
    </Stack>
  )
}

const fits = (one: EventType, query: string): boolean =>
  `${one.name} ${describedAs(one)}`.toLowerCase().includes(query.trim().toLowerCase())

function Types({ of }: { of: EventType[] }) {
  const say = useText()
  if (of.length === 0) return <Empty title={say('types_none')} />
  return (
    <Accordion variant="contained" multiple>
      {of.map((one) => (
        <Accordion.Item key={`${one.name} ${one.version}`} value={`${one.name} ${one.version}`}>
          <Accordion.Control>
            <Group gap="sm">
              <Text size="sm" ff="monospace" fw={600}>
                {one.name}
              </Text>
              {one.version > 1 && <Badge variant="default">v{one.version}</Badge>}
              {one.deprecated && <Badge color="yellow">{say('deprecated')}</Badge>}
              <Text size="sm" c="dimmed">
                {describedAs(one)}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Detail of={one} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  )
}

function Detail({ of }: { of: EventType }) {
  const say = useText()
  const parts = [
    ['example', of.example],
    ['schema', of.schema],
  ] as const
  const given = parts.filter(([, value]) => value !== null && value !== undefined)
  return (
    <Stack gap="xs">
      {of.deprecated && <Text size="sm">{of.deprecated.message}</Text>}
      <To to={`/outbound/events?type=${of.name}`}>{say('see_events')}</To>
      <Tabs defaultValue={given[0]?.[0]} keepMounted={false}>
        <Tabs.List>
          {given.map(([name]) => (
            <Tabs.Tab key={name} value={name}>
              {say(name)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {given.map(([name, value]) => (
          <Tabs.Panel key={name} value={name} pt="xs">
            <Body text={JSON.stringify(value)} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  )
}

/** Takes what the server prints of the catalog away as a file. */
function Take({ path, label }: { path: string; label: string }) {
  const act = useAct({
    act: () => download(path, path.split('/').at(-1) ?? 'events'),
  })
  return (
    <Button size="xs" variant="default" onClick={() => act.mutate()} loading={act.isPending}>
      {label}
    </Button>
  )
}
