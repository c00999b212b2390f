import { Alert, Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconExternalLink } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { refresh, useAct } from '../../api/hooks.ts'
import { texts } from '../../text/text.ts'
import { type OneConnection, useAuthorization } from './reads.ts'
import { useRights } from './world.ts'

const useText = texts('authorize', {
  en: {
    not_connected: 'The vendor does not let this connection in yet',
    not_connected_about: "Somebody who may has to say yes at the vendor's own page. It opens in a window.",
    needs_reconnect: 'The vendor does not let this connection in any more',
    connect: 'Connect at the vendor',
    again: 'Connect again',
    waiting: 'Waiting for you to come back from the vendor…',
    blocked: 'The browser did not open the window. Allow windows for this page and try again.',
    connected: 'The vendor lets the connection in.',
    failed: 'The vendor did not let the connection in.',
  },
  'pt-BR': {
    not_connected: 'O provedor ainda não deixa esta conexão entrar',
    not_connected_about:
      'Alguém com permissão precisa autorizar na página do provedor. Ela abre em uma janela.',
    needs_reconnect: 'O provedor não deixa mais esta conexão entrar',
    connect: 'Conectar no provedor',
    again: 'Conectar de novo',
    waiting: 'Esperando você voltar do provedor…',
    blocked: 'O navegador não abriu a janela. Permita janelas para esta página e tente de novo.',
    connected: 'O provedor deixou a conexão entrar.',
    failed: 'O provedor não deixou a conexão entrar.',
  },
})

/** Only these need a person to say yes at the vendor. */
export const CONSENT = 'oauth2_authorization_code'

/** The window that comes back tells the page that opened it, whatever the vendor's headers cut between them. */
export const CHANNEL = 'trilho.authorized'
const WINDOW = 'popup,width=560,height=720'
/** For as long as a visit takes, the page asks, since not every address can be come back to. */
const ASK_MS = 2_000
const LONGEST_MS = 600_000

/** Says that the vendor's consent is missing, where it is. */
export function AuthorizeNote({ of }: { of: OneConnection }) {
  const say = useText()
  const { data } = useAuthorization(of.id)
  if (!data || data.auth !== CONSENT || data.state === 'connected') return null
  return (
    <Alert color="yellow" title={say(data.state)}>
      <Text size="sm" mb="xs">
        {data.note ?? say('not_connected_about')}
      </Text>
      <AuthorizeButton of={of} />
    </Alert>
  )
}

/** Opens the vendor's page in a window of its own and waits until somebody comes back from it. */
export function AuthorizeButton({ of }: { of: OneConnection }) {
  const say = useText()
  const may = useRights(of)
  const client = useQueryClient()
  const [is_blocked, setBlocked] = useState(false)
  const [since, setSince] = useState<{ before: string | null } | null>(null)
  const read = useAuthorization(of.id, since ? ASK_MS : undefined)
  const begin = useAct({
    act: (popup: Window) => leave(of.id, popup),
  })
  useComingBack(since !== null, of.id, (is_connected) => {
    setSince(null)
    refresh(client, ['connections'])
    notifications.show({
      color: is_connected ? 'teal' : 'red',
      message: say(is_connected ? 'connected' : 'failed'),
    })
  })
  const authorized_at = read.data?.authorized_at ?? null
  useEffect(() => {
    if (!since) return
    if (authorized_at !== since.before) return setSince(null)
    const timer = setTimeout(() => setSince(null), LONGEST_MS)
    return () => clearTimeout(timer)
  }, [since, authorized_at])
  if (!may.write) return null
  const wait = () => setSince({ before: authorized_at })
  const open = () => {
    const popup = window.open('', 'trilho_authorize', WINDOW)
    if (popup) begin.mutate(popup, { onSuccess: wait })
    setBlocked(popup === null)
  }
  return (
    <Group gap="sm">
      <Button
        leftSection={<IconExternalLink size={16} />}
        loading={begin.isPending}
        onClick={open}
        variant={authorized_at ? 'default' : 'filled'}
      >
        {say(authorized_at ? 'again' : 'connect')}
      </Button>
      <Text size="sm" c="dimmed" role="status">
        {is_blocked ? say('blocked') : since ? say('waiting') : ''}
      </Text>
    </Group>
  )
}

/** The window is opened at the click, or the browser would not let it; where it leads is known a moment later. */
async function leave(id: string, popup: Window): Promise<void> {
  try {
    const { origin, protocol, hostname } = window.location
    const can_return = protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1'
    const body = can_return ? { return_to: `${origin}/connections/authorized` } : {}
    const { url } = await ask(api.POST('/v1/connections/{id}/authorize', { params: { path: { id } }, body }))
    popup.location.replace(url)
  } catch (error) {
    popup.close()
    throw error
  }
}

type CameBack = { id: string | null; is_connected: boolean }

function useComingBack(is_waiting: boolean, id: string, back: (is_connected: boolean) => void): void {
  useEffect(() => {
    if (!is_waiting) return
    const channel = new BroadcastChannel(CHANNEL)
    channel.onmessage = ({ data }: MessageEvent<CameBack>) => data.id === id && back(data.is_connected)
    return () => channel.close()
  }, [is_waiting, id, back])
}
