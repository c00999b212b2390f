import { Badge, Group, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { useSignOut } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { Section } from './section.tsx'

const useText = texts('settings_sessions', {
  en: {
    title: 'Where you are signed in',
    about: 'End a session that you do not know, and change your password.',
    device: 'Browser',
    ip: 'Address',
    seen: 'Seen',
    since: 'Since',
    this: 'This one',
    end: 'Sign out',
    end_sure: 'That browser is signed out within a second.',
    ended: 'It is signed out.',
    unknown: 'Unknown',
    on: '{{browser}} on {{system}}',
  },
  'pt-BR': {
    title: 'Onde você está conectado',
    about: 'Encerre uma sessão que não reconhece e troque a senha.',
    device: 'Navegador',
    ip: 'Endereço',
    seen: 'Visto',
    since: 'Desde',
    this: 'Esta',
    end: 'Encerrar',
    end_sure: 'Aquele navegador sai em um segundo.',
    ended: 'Sessão encerrada.',
    unknown: 'Desconhecido',
    on: '{{browser}} em {{system}}',
  },
})

type Entry = { id: string; is_this: boolean; user_agent: string | null }

/** The sessions of the person who asks. */
export function Sessions() {
  const say = useText()
  const pages = usePages(['sessions'], (cursor) =>
    ask(api.GET('/v1/sessions', { params: { query: { limit: '50', ...(cursor && { cursor }) } } })),
  )
  return (
    <Section title={say('title')} about={say('about')}>
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        columns={[
          { title: say('device'), cell: (entry) => <Device of={entry} /> },
          { title: say('ip'), cell: ({ ip }) => ip, wide: true },
          { title: say('seen'), cell: ({ seen_at }) => <When at={seen_at} /> },
          { title: say('since'), cell: ({ created_at }) => <When at={created_at} />, wide: true },
          { title: '', right: true, cell: (entry) => <End of={entry} /> },
        ]}
      />
    </Section>
  )
}

function Device({ of }: { of: Entry }) {
  const say = useText()
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(of.user_agent ?? '')?.[1]
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(of.user_agent ?? '')?.[1]
  const shown = browser && system ? say('on', { browser: NAMES[browser] ?? browser, system }) : of.user_agent
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" lineClamp={1} title={of.user_agent ?? undefined}>
        {shown ?? say('unknown')}
      </Text>
      {of.is_this && (
        <Badge variant="light" tt="none">
          {say('this')}
        </Badge>
      )}
    </Group>
  )
}

const NAMES: Record<string, string> = { Edg: 'Edge', OPR: 'Opera' }

function End({ of }: { of: Entry }) {
  const say = useText()
  const signOut = useSignOut()
  const end = useAct({
    act: () => ask(api.DELETE('/v1/sessions/{id}', { params: { path: { id: of.id } } })),
    done: say('ended'),
    changes: ['sessions'],
  })
  return (
    <Confirm
      size="compact-xs"
      variant="light"
      color="red"
      question={say('end_sure')}
      verb={say('end')}
      act={() => (of.is_this ? signOut() : end.mutateAsync())}
    />
  )
}
