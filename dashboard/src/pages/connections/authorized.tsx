import { Button, Center, Stack, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { Link, useSearchParams } from 'react-router'
import { texts } from '../../text/text.ts'
import { CHANNEL } from './authorize.tsx'

const useText = texts('authorized', {
  en: {
    connected: 'Connected',
    failed: 'Not connected',
    close: 'You may close this window.',
    again: 'The vendor did not let the connection in. Close this window and try again.',
    see: 'See the connection',
  },
  'pt-BR': {
    connected: 'Conectado',
    failed: 'Não conectado',
    close: 'Você pode fechar esta janela.',
    again: 'O provedor não deixou a conexão entrar. Feche esta janela e tente de novo.',
    see: 'Ver a conexão',
  },
})

/** Where the window of the vendor comes back to: it tells the page that opened it, and closes. */
export function Component() {
  const say = useText()
  const [params] = useSearchParams()
  const is_connected = params.get('status') === 'connected'
  const id = params.get('connection')
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL)
    channel.postMessage({ id, is_connected })
    channel.close()
    if (is_connected) window.close()
  }, [id, is_connected])
  return (
    <Center mih={300}>
      <Stack align="center" ta="center">
        <Title order={1} size="h3">
          {say(is_connected ? 'connected' : 'failed')}
        </Title>
        <Text c="dimmed">{say(is_connected ? 'close' : 'again')}</Text>
        {id !== null && (
          <Button component={Link} to={`/connections/${id}`} variant="default">
            {say('see')}
          </Button>
        )}
      </Stack>
    </Center>
  )
}
