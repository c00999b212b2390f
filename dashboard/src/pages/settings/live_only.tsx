import { Alert } from '@mantine/core'
import { useSession } from '../../api/session.tsx'
import { texts } from '../../text/text.ts'

const useText = texts('settings_live_only', {
  en: { shared: 'Test and live share this. Switch to “Live” above to change it.' },
  'pt-BR': { shared: 'Teste e produção compartilham isto. Mude para “Produção”, acima, para alterar.' },
})

/** Test never changes what it shares with live: the server refuses it. */
export const useIsLive = (): boolean => useSession().environment === 'live'

export function LiveOnly() {
  const say = useText()
  if (useIsLive()) return null
  return (
    <Alert color="blue" variant="light" p="xs">
      {say('shared')}
    </Alert>
  )
}
