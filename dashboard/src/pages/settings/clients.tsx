import { Button, Code, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { useMay, useSession } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/page.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { EnvironmentChoice } from './key_form.tsx'
import { ShownOnce } from './once.tsx'
import { ScopeList } from './scope_list.tsx'
import { ScopePicker } from './scopes.tsx'
import { Section } from './section.tsx'

const useText = texts('settings_clients', {
  en: {
    title: 'OAuth clients',
    about:
      'For programs that fetch short-lived tokens at /oauth/token (client credentials) in place of a key.',
    new: 'New client',
    client_id: 'Client id',
    client_about: 'Visible characters without spaces and colons.',
    secret: 'Client secret',
    scopes: 'May',
    environment: 'Environment',
    live: 'Live',
    test: 'Test',
    since: 'Since',
    revoke: 'Revoke',
    revoked: 'Revoked',
    revoke_sure: '“{{name}}” gets no more tokens, and those it has are refused. This cannot be undone.',
    done: '{{name}} was revoked.',
    none: 'No clients yet',
    none_about: 'A key is simpler; make a client where a program speaks OAuth 2.0 already.',
  },
  'pt-BR': {
    title: 'Clientes OAuth',
    about:
      'Para programas que buscam tokens curtos em /oauth/token (client credentials) em vez de uma chave.',
    new: 'Novo cliente',
    client_id: 'Id do cliente',
    client_about: 'Caracteres visíveis, sem espaços nem dois-pontos.',
    secret: 'Segredo do cliente',
    scopes: 'Pode',
    environment: 'Ambiente',
    live: 'Produção',
    test: 'Teste',
    since: 'Desde',
    revoke: 'Revogar',
    revoked: 'Revogado',
    revoke_sure: '“{{name}}” não recebe mais tokens, e os que tem são recusados. Não é possível desfazer.',
    done: '{{name}} foi revogado.',
    none: 'Ainda não há clientes',
    none_about: 'Uma chave é mais simples; crie um cliente quando o programa já fala OAuth 2.0.',
  },
})

type Client = { id: string; name: string; revoked_at: string | null }

/** OAuth 2.0 clients of the tenant. */
export function Clients() {
  const say = useText()
  const word = useWords()
  const can_change = useMay()('tenants:write')
  const [is_open, setOpen] = useState(false)
  const pages = usePages(['oauth_clients'], (cursor) =>
    ask(api.GET('/v1/oauth-clients', { params: { query: { limit: '50', ...(cursor && { cursor }) } } })),
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
          { title: word('name'), cell: ({ name }) => name },
          {
            title: say('client_id'),
            cell: ({ client_id }) => <Code>{client_id}</Code>,
          },
          { title: say('environment'), cell: ({ environment }) => say(environment), wide: true },
          { title: say('scopes'), cell: ({ scopes }) => <ScopeList of={scopes} />, wide: true },
          { title: say('since'), cell: ({ created_at }) => <When at={created_at} />, wide: true },
          { title: '', right: true, cell: (client) => <Revoke of={client} can_change={can_change} /> },
        ]}
      />
      {is_open && <NewClient close={() => setOpen(false)} />}
    </Section>
  )
}

function Revoke({ of, can_change }: { of: Client; can_change: boolean }) {
  const say = useText()
  const revoke = useAct({
    act: () => ask(api.DELETE('/v1/oauth-clients/{id}', { params: { path: { id: of.id } } })),
    done: say('done', { name: of.name }),
    changes: ['oauth_clients', 'audit'],
  })
  if (of.revoked_at)
    return (
      <Text size="sm" c="dimmed">
        {say('revoked')}
      </Text>
    )
  if (!can_change) return null
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

function NewClient({ close }: { close: () => void }) {
  const say = useText()
  const word = useWords()
  const { environment } = useSession()
  const [made, setMade] = useState<{ name: string; client_id: string; client_secret: string } | null>(null)
  const form = useForm({
    initialValues: { name: '', client_id: '', environment, scopes: ['connections:read', 'calls:*'] },
  })
  const make = useAct({
    act: async (body: typeof form.values) => setMade(await ask(api.POST('/v1/oauth-clients', { body }))),
    changes: ['oauth_clients', 'audit'],
  })
  if (made) {
    const secrets = [
      { name: say('client_id'), value: made.client_id },
      { name: say('secret'), value: made.client_secret },
    ]
    return <ShownOnce title={made.name} secrets={secrets} close={close} />
  }
  return (
    <Dialog close={close} title={say('new')} size="lg">
      <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
        <Stack>
          <TextInput
            label={word('name')}
            required
            maxLength={100}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <TextInput
            label={say('client_id')}
            description={say('client_about')}
            required
            pattern="[^\s:]+"
            maxLength={100}
            {...form.getInputProps('client_id')}
          />
          <EnvironmentChoice
            value={form.values.environment}
            onChange={(value) => form.setFieldValue('environment', value)}
          />
          <ScopePicker
            value={form.values.scopes}
            onChange={(scopes) => form.setFieldValue('scopes', scopes)}
          />
          <DialogEnd close={close} loading={make.isPending} disabled={form.values.scopes.length === 0}>
            {word('create')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
