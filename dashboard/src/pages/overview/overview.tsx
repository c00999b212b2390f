import { Page } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'

const useText = texts('overview', {
  en: { title: 'Overview' },
  'pt-BR': { title: 'Visão geral' },
})

export function Component() {
  const say = useText()
  return <Page title={say('title')}>{null}</Page>
}
