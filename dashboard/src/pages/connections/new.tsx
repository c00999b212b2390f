import { Anchor } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'
import { ConnectionForm } from './form.tsx'
import { useProvider } from './reads.ts'

const useText = texts('connection_new', {
  en: { title: 'Connect {{name}}', guide: 'How it is set up', create: 'Create connection' },
  'pt-BR': { title: 'Conectar {{name}}', guide: 'Como configurar', create: 'Criar conexão' },
})

/** Makes a connection to a provider; once it stands, it is tried. */
export function Component() {
  const { provider = '' } = useParams()
  const say = useText()
  const client = useQueryClient()
  const navigate = useNavigate()
  const read = useProvider(provider)
  return (
    <Page
      title={say('title', { name: read.data?.name ?? provider })}
      about={
        <Anchor component={Link} to={`/connections/catalog/${provider}`} size="sm">
          ← {say('guide')}
        </Anchor>
      }
    >
      <Shown read={read}>
        {(one) => (
          <ConnectionForm
            key={one.id}
            provider={one}
            verb={say('create')}
            save={(input) => ask(api.POST('/v1/connections', { body: { provider: one.id, ...input } }))}
            then={({ id }) => {
              refresh(client, ['connections', 'overview'])
              navigate(`/connections/${id}`, { state: { is_new: true } })
            }}
          />
        )}
      </Shown>
    </Page>
  )
}
