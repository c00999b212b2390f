import { Group, Text, Tooltip } from '@mantine/core'
import { IconShieldLock } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import type { RowOf } from '../../api/types.ts'
import { ClearFilters, FilterText, useFilters } from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { type Act, AskPerson, PersonMenu } from './person_acts.tsx'
import { useRoles } from './roles.ts'
import { Section } from './section.tsx'

const useText = texts('settings_people', {
  en: {
    title: 'People of all companies',
    about:
      'Who has signed up to this installation, and where they may act. Only its administrators see this.',
    who: 'Who',
    state: 'State',
    places: 'Companies',
    place: '{{tenant}}: {{role}}',
    stopped: '{{tenant}}: {{role}}, suspended there',
    nowhere: 'None',
    house: 'The installation',
    browsers: 'Browsers',
    seen: 'Last seen',
    totp: 'Second factor',
    totp_on: 'Signs in with a second factor',
    on: 'On',
    off: 'Off',
    you: 'you',
    email: 'Whole e-mail',
    none: 'Nobody has signed up by this e-mail',
    none_about: 'Write it whole, or clear the filter. Who was invited and has not come is among the members.',
  },
  'pt-BR': {
    title: 'Pessoas de todas as empresas',
    about: 'Quem se cadastrou nesta instalação e onde pode agir. Só os administradores dela veem isto.',
    who: 'Quem',
    state: 'Estado',
    places: 'Empresas',
    place: '{{tenant}}: {{role}}',
    stopped: '{{tenant}}: {{role}}, acesso suspenso lá',
    nowhere: 'Nenhuma',
    house: 'A instalação',
    browsers: 'Navegadores',
    seen: 'Visto por último',
    totp: 'Segundo fator',
    totp_on: 'Entra com segundo fator',
    on: 'Ligado',
    off: 'Desligado',
    you: 'você',
    email: 'E-mail completo',
    none: 'Ninguém se cadastrou com este e-mail',
    none_about:
      'Escreva o e-mail inteiro ou limpe o filtro. Quem foi convidado e ainda não veio está entre os membros.',
  },
})

export type Person = RowOf<'/v1/people'>

/** For administrators of the installation: everybody who has signed up, and what stops one of them everywhere. */
export function People() {
  const say = useText()
  const filters = useFilters(['email'])
  const [asked, setAsked] = useState<{ person: Person; act: Act } | null>(null)
  const email = filters.set.email
  const query = { limit: '50', ...(email && /^[^\s@]+@[^\s@]+$/.test(email) && { email }) }
  const pages = usePages(['people', query], (cursor) =>
    ask(api.GET('/v1/people', { params: { query: { ...query, ...(cursor && { cursor }) } } })),
  )
  return (
    <Section
      title={say('title')}
      about={say('about')}
      action={
        <Group gap="xs">
          <FilterText of={filters} name="email" label={say('email')} />
          <ClearFilters of={filters} />
        </Group>
      }
    >
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        empty={<Empty title={say('none')}>{say('none_about')}</Empty>}
        columns={[
          { title: say('who'), cell: (person) => <Who of={person} /> },
          { title: say('places'), cell: (person) => <Places of={person} />, wide: true },
          { title: say('state'), cell: ({ state }) => <State of={state} /> },
          { title: say('totp'), cell: ({ has_totp }) => say(has_totp ? 'on' : 'off'), wide: true },
          { title: say('browsers'), cell: ({ sessions }) => sessions, right: true, wide: true },
          { title: say('seen'), cell: ({ seen_at }) => <When at={seen_at} />, wide: true },
          {
            title: '',
            right: true,
            cell: (person) => <PersonMenu of={person} choose={(act) => setAsked({ person, act })} />,
          },
        ]}
      />
      {asked && <AskPerson {...asked} close={() => setAsked(null)} />}
    </Section>
  )
}

function Who({ of }: { of: Person }) {
  const say = useText()
  const { member } = useSession()
  return (
    <div>
      <Group gap={6} wrap="nowrap">
        <Text size="sm" fw={500}>
          {of.name}
        </Text>
        {of.id === member.id && (
          <Text size="xs" c="dimmed">
            ({say('you')})
          </Text>
        )}
        {of.has_totp && (
          <Tooltip label={say('totp_on')}>
            <IconShieldLock size={14} aria-label={say('totp_on')} />
          </Tooltip>
        )}
      </Group>
      <Text size="xs" c="dimmed" miw={{ base: 130, sm: 240 }} style={{ overflowWrap: 'anywhere' }}>
        {of.email}
      </Text>
    </div>
  )
}

const HOUSE = /^tnt_0+$/

function Places({ of: { memberships } }: { of: Person }) {
  const say = useText()
  const role = useRoles()
  if (memberships.length === 0) return <>{say('nowhere')}</>
  return (
    <div>
      {memberships.map(({ id, tenant, state, ...place }) => (
        <Text key={id} size="xs" c={state === 'suspended' ? 'dimmed' : undefined}>
          {say(state === 'suspended' ? 'stopped' : 'place', {
            tenant: HOUSE.test(tenant.id) ? say('house') : tenant.name,
            role: role(place.role),
          })}
        </Text>
      ))}
    </div>
  )
}
