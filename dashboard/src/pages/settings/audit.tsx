import { Code, Group, Popover, Text, TextInput, UnstyledButton } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import type { RowOf } from '../../api/types.ts'
import { Actor, useActors } from '../../parts/actor.tsx'
import { Copy } from '../../parts/copy.tsx'
import { ClearFilters, FilterSelect, type Filters, FilterText, useFilters } from '../../parts/filters.tsx'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { placeOf } from '../finder.tsx'
import { ACTIONS } from './audit_actions.ts'
import { Section } from './section.tsx'

const useText = texts('settings_audit', {
  en: {
    title: 'Audit log',
    about: 'Every change to this company: who, what, from where. Nothing is ever taken out.',
    when: 'When',
    actor: 'Who',
    action: 'What',
    target: 'On what',
    target_id: 'Id of the thing',
    from: 'From this day on',
    to: 'Until this day',
    ip: 'From where',
    detail: 'Detail',
    show: 'Show the detail',
  },
  'pt-BR': {
    title: 'Auditoria',
    about: 'Toda mudança nesta empresa: quem, o quê, de onde. Nada é retirado.',
    when: 'Quando',
    actor: 'Quem',
    action: 'O quê',
    target: 'Em quê',
    target_id: 'Id da coisa',
    from: 'A partir deste dia',
    to: 'Até este dia',
    ip: 'De onde',
    detail: 'Detalhe',
    show: 'Mostrar o detalhe',
  },
})

type Entry = RowOf<'/v1/audit'>

const FILTERS = ['actor', 'action', 'target', 'from', 'to'] as const
type Wanted = Partial<Record<(typeof FILTERS)[number], string>>

/** The audit log, by who, what, on what and when. */
export function Audit() {
  const say = useText()
  const filters = useFilters(FILTERS)
  const names = useActors()
  const query = queryOf(filters.set)
  const pages = useLongList(['audit', query], (cursor) =>
    ask(api.GET('/v1/audit', { params: { query: { ...query, cursor, limit: '100' } } })),
  )
  return (
    <Section title={say('title')} about={say('about')}>
      <Group gap="xs" mb="sm">
        <FilterSelect
          of={filters}
          name="actor"
          label={say('actor')}
          choices={choicesOf(names, filters.set.actor)}
        />
        <FilterSelect of={filters} name="action" label={say('action')} choices={ACTIONS} />
        <FilterText of={filters} name="target" label={say('target_id')} />
        <FilterDay of={filters} name="from" label={say('from')} />
        <FilterDay of={filters} name="to" label={say('to')} />
        <ClearFilters of={filters} />
      </Group>
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        columns={[
          { title: say('when'), cell: ({ at }) => <When at={at} exact />, wide: true },
          { title: say('action'), cell: ({ action }) => <Code>{action}</Code> },
          { title: say('target'), cell: ({ target }) => <Target of={target} /> },
          { title: say('actor'), cell: ({ actor }) => <Actor of={actor} names={names} />, wide: true },
          { title: say('ip'), cell: ({ ip }) => ip ?? '–', wide: true },
          { title: say('detail'), cell: (entry) => <Detail of={entry} />, wide: true },
        ]}
      />
    </Section>
  )
}

/** Days of the reader's own clock; the last one belongs to it. */
function queryOf({ from, to, ...words }: Wanted) {
  const at = (day: string, later: number) => {
    const date = new Date(`${day}T00:00:00`)
    date.setDate(date.getDate() + later)
    return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
  }
  const [begin, end] = [from && at(from, 0), to && at(to, 1)]
  return { ...words, ...(begin && { from: begin }), ...(end && { to: end }) }
}

/** With the one that is asked for, whoever it is: a link may name somebody who is gone. */
const choicesOf = (names: ReadonlyMap<string, string>, asked: string | undefined) =>
  [...(asked && !names.has(asked) ? [[asked, asked] as const] : []), ...names].map(([value, label]) => ({
    value,
    label,
  }))

function FilterDay({ of, name, label }: { of: Filters<keyof Wanted>; name: 'from' | 'to'; label: string }) {
  return (
    <TextInput
      type="date"
      size="xs"
      w={150}
      aria-label={label}
      title={label}
      value={of.set[name] ?? ''}
      onChange={({ currentTarget: { value } }) => of.change(name, value || null)}
    />
  )
}

function Target({ of }: { of: string }) {
  const to = placeOf(of)
  return <Id of={of} {...(to && { to })} />
}

function Detail({ of: { detail, request_id } }: { of: Entry }) {
  const say = useText()
  const text = JSON.stringify(detail)
  if (text === '{}' && request_id === null) return null
  return (
    <Popover width={420} position="left" withArrow trapFocus>
      <Popover.Target>
        <UnstyledButton title={say('show')} maw={190}>
          <Text size="xs" ff="monospace" c="dimmed" truncate>
            {text === '{}' ? request_id : text}
          </Text>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Body text={text} />
        {request_id && (
          <Group gap={4} mt="xs">
            <Text size="xs" c="dimmed">
              {request_id}
            </Text>
            <Copy text={request_id} />
          </Group>
        )}
      </Popover.Dropdown>
    </Popover>
  )
}
