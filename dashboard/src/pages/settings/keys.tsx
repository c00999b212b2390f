import { Badge, Button, Code, Group, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/page.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { NewKey } from './key_form.tsx'
import { ScopeList } from './scope_list.tsx'
import { Section } from './section.tsx'

const useText = texts('settings_keys', {
  en: {
    title: 'API keys',
    about: 'For programs. A key does no more than its scopes say; a revoked one is refused within a second.',
    new: 'New key',
    hint: 'Begins with',
    environment: 'Environment',
    live: 'Live',
    test: 'Test',
    scopes: 'May',
    expires: 'Expires',
    revoke: 'Revoke',
    revoked: 'Revoked',
    expired: 'Expired',
    revoke_sure: 'Programs that use “{{name}}” are refused within a second. This cannot be undone.',
    done: '{{name}} was revoked.',
    none: 'No keys yet',
    none_about: 'Make one for each program that calls this API, with the scopes it needs.',
  },
  'pt-BR': {
    title: 'Chaves de API',
    about:
      'Para programas. Uma chave só faz o que seus escopos permitem; revogada, é recusada em um segundo.',
    new: 'Nova chave',
    hint: 'Começa com',
    environment: 'Ambiente',
    live: 'Produção',
    test: 'Teste',
    scopes: 'Pode',
    expires: 'Expira',
    revoke: 'Revogar',
    revoked: 'Revogada',
    expired: 'Expirada',
    revoke_sure: 'Programas que usam “{{name}}” são recusados em um segundo. Não é possível desfazer.',
    done: '{{name}} foi revogada.',
    none: 'Ainda não há chaves',
    none_about: 'Crie uma para cada programa que chama esta API, com os escopos de que precisa.',
  },
})

type Key = { id: string; name: string; expires_at: string | null; revoked_at: string | null }

/** API keys: made with their scopes, shown once, revoked. */
export function Keys() {
  const say = useText()
  const word = useWords()
  const can_change = useMay()('tenants:write')
  const [is_open, setOpen] = useState(false)
  const pages = usePages(['keys'], (cursor) =>
    ask(api.GET('/v1/keys', { params: { query: { limit: '50', ...(cursor && { cursor }) } } })),
  )
  const add = can_change && (
    <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setOpen(true)}>
      {say('new')}
    </Button>
  )
  return (
    <Section title={say('title')} about={say('about')} action={add}>
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        empty={<Empty title={say('none')}>{say('none_about')}</Empty>}
        columns={[
          { title: word('name'), cell: (key) => <KeyName of={key} /> },
          {
            title: say('hint'),
            cell: ({ hint }) => <Code>{hint}</Code>,
            wide: true,
          },
          { title: say('environment'), cell: ({ environment }) => say(environment), wide: true },
          { title: say('scopes'), cell: ({ scopes }) => <ScopeList of={scopes} />, wide: true },
          {
            title: say('expires'),
            cell: ({ expires_at }) => (expires_at ? <When at={expires_at} exact /> : word('never')),
            wide: true,
          },
          { title: '', right: true, cell: (key) => can_change && <Revoke of={key} /> },
        ]}
      />
      {is_open && <NewKey close={() => setOpen(false)} />}
    </Section>
  )
}

const isOver = ({ expires_at }: Key): boolean => expires_at !== null && new Date(expires_at) < new Date()

function KeyName({ of }: { of: Key }) {
  const say = useText()
  const over = of.revoked_at ? say('revoked') : isOver(of) && say('expired')
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" fw={500} c={over ? 'dimmed' : undefined}>
        {of.name}
      </Text>
      {over && (
        <Badge variant="light" color="gray" tt="none">
          {over}
        </Badge>
      )}
    </Group>
  )
}

function Revoke({ of }: { of: Key }) {
  const say = useText()
  const revoke = useAct({
    act: () => ask(api.DELETE('/v1/keys/{id}', { params: { path: { id: of.id } } })),
    done: say('done', { name: of.name }),
    changes: ['keys', 'audit'],
  })
  if (of.revoked_at || isOver(of)) return null
  return (
    <Confirm
      size="compact-xs"
      variant="light"
      color="red"
      question={say('revoke_sure', { name: of.name })}
      verb={say('revoke')}
      act={() => revoke.mutateAsync()}
    />
  )
}
