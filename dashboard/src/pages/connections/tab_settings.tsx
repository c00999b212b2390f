import { Button, Group, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { Shown } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { ConnectionForm } from './form.tsx'
import { DeleteDialog } from './menu.tsx'
import { type OneConnection, useProvider } from './reads.ts'
import { Part } from './stat.tsx'
import { useRights } from './world.ts'

const useText = texts('connection_settings', {
  en: {
    saved: '{{name}} was saved.',
    may_not: 'You may look at this connection, but not change it.',
    danger: 'Delete this connection',
    danger_about:
      'Its credentials go with it and cannot be brought back. To stop its calls for a while, pause it. A source that uses it has to be deleted first.',
  },
  'pt-BR': {
    saved: '{{name}} foi salva.',
    may_not: 'Você pode ver esta conexão, mas não mudá-la.',
    danger: 'Excluir esta conexão',
    danger_about:
      'As credenciais vão junto e não podem ser recuperadas. Para parar as chamadas por um tempo, pause-a. Uma fonte que a usa precisa ser excluída antes.',
  },
})

/** What the connection is made of, and its end. */
export function SettingsTab({ of }: { of: OneConnection }) {
  const say = useText()
  const words = useWords()
  const may = useRights(of)
  const client = useQueryClient()
  const navigate = useNavigate()
  const [is_deleting, setDeleting] = useState(false)
  const provider = useProvider(of.provider)
  if (!may.write) return <Text c="dimmed">{say('may_not')}</Text>
  return (
    <Stack>
      <Shown read={provider}>
        {(one) => (
          <ConnectionForm
            key={of.id}
            provider={one}
            of={of}
            verb={words('save')}
            save={(body) => ask(api.PATCH('/v1/connections/{id}', { params: { path: { id: of.id } }, body }))}
            then={({ name }) => {
              notifications.show({ color: 'teal', message: say('saved', { name }) })
              refresh(client, ['connections', 'overview'])
            }}
          />
        )}
      </Shown>
      <Part title={say('danger')} about={say('danger_about')}>
        <Group>
          <Button color="red" variant="light" onClick={() => setDeleting(true)}>
            {words('delete')}
          </Button>
        </Group>
      </Part>
      {is_deleting && (
        <DeleteDialog of={of} close={() => setDeleting(false)} gone={() => navigate('/connections')} />
      )}
    </Stack>
  )
}
