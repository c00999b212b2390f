import { Code, Group, Popover, Text, UnstyledButton } from '@mantine/core'
import { api, ask, type PageOf } from '../../api/client.ts'
import { usePages, useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { useSession } from '../../api/session.tsx'
import { Copy } from '../../parts/copy.tsx'
import { ClearFilters, FilterText, useFilters } from '../../parts/filters.tsx'
import { Id } from '../../parts/id.tsx'
import { Body } from '../../parts/json.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { pathOf } from '../finder.tsx'
import { Section } from './section.tsx'

const useText = texts('settings_audit', {
  en: {
    title: 'Audit log',
    about: 'Every change to this company: who, what, from where. Nothing is ever taken out.',
    when: 'When',
    actor: 'Who',
    action: 'What',
    target: 'On what',
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
    ip: 'De onde',
    detail: 'Detalhe',
    show: 'Mostrar o detalhe',
  },
})

type Entry = paths['/v1/audit']['get']['responses'][200]['content']['application/json']['data'][number]

const FILTERS = ['actor', 'action', 'target'] as const
type Wanted = Partial<Record<(typeof FILTERS)[number], string>>

const PAGE = '200'
/** Pages are read until so many entries fit, or so many pages were looked at; the table asks on from there. */
const ENOUGH = 30
const MOST_PAGES = 10

/** The audit log, filtered here: the API gives it whole. */
export function Audit() {
  const say = useText()
  const filters = useFilters(FILTERS)
  const names = usePeople()
  const people = namedLike(names, filters.set.actor)
  const pages = usePages(['audit', filters.set, people], (cursor) =>
    readFitting((entry) => fits(entry, filters.set, people), cursor),
  )
  return (
    <Section title={say('title')} about={say('about')}>
      <Group gap="xs" mb="sm">
        <FilterText of={filters} name="actor" label={say('actor')} />
        <FilterText of={filters} name="action" label={say('action')} />
        <FilterText of={filters} name="target" label={say('target')} />
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

/** People by the ids that the log knows them by. */
function usePeople(): ReadonlyMap<string, string> {
  const { member } = useSession()
  const { data } = useRead(['members', 'names'], () =>
    ask(api.GET('/v1/members', { params: { query: { limit: '200' } } })),
  )
  const others = (data?.data ?? []).flatMap(({ person_id, name }): [string, string][] =>
    person_id && name ? [[person_id, name]] : [],
  )
  return new Map([...others, [member.id, member.name]])
}

function Actor({ of, names }: { of: string; names: ReadonlyMap<string, string> }) {
  const name = names.get(of)
  return name ? <span title={of}>{name}</span> : <Id of={of} />
}

async function readFitting(
  isFit: (entry: Entry) => boolean,
  cursor: string | undefined,
): Promise<PageOf<Entry>> {
  const data: Entry[] = []
  let next = cursor ?? null
  for (let read = 0; read < MOST_PAGES && data.length < ENOUGH; read++) {
    const query = { limit: PAGE, ...(next && { cursor: next }) }
    const page = await ask(api.GET('/v1/audit', { params: { query } }))
    data.push(...page.data.filter(isFit))
    next = page.next_cursor
    if (next === null) break
  }
  return { data, next_cursor: next }
}

/** Who acted is sought by name as well as by id. */
const fits = (entry: Entry, wanted: Wanted, people: string[]): boolean =>
  FILTERS.every(
    (name) => includes(entry[name], wanted[name] ?? '') || (name === 'actor' && people.includes(entry.actor)),
  )

const includes = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

const namedLike = (names: ReadonlyMap<string, string>, part: string | undefined): string[] =>
  part === undefined ? [] : [...names].flatMap(([id, name]) => (includes(name, part) ? [id] : []))

const LEADS: Record<string, string> = {
  con: 'connection',
  src: 'source',
  sub: 'subscription',
  msg: 'message',
  evt: 'event',
  dlv: 'delivery',
  call: 'call',
  pay: 'payment',
}

function Target({ of }: { of: string }) {
  const kind = LEADS[of.slice(0, of.indexOf('_'))]
  return <Id of={of} {...(kind && { to: pathOf(kind, of) })} />
}

function Detail({ of: { detail, request_id } }: { of: Entry }) {
  const say = useText()
  const text = JSON.stringify(detail)
  if (text === '{}' && request_id === null) return null
  return (
    <Popover width={420} position="left" withArrow trapFocus>
      <Popover.Target>
        <UnstyledButton aria-label={say('show')} maw={260}>
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
