import { Anchor, Container } from '@mantine/core'
import { Link, useRouteError } from 'react-router'
import { Empty, Wrong } from '../parts/page.tsx'
import { texts } from '../text/text.ts'

const useText = texts('lost', {
  en: { title: 'There is no such page', home: 'Go to the overview' },
  'pt-BR': { title: 'Essa página não existe', home: 'Ir para a visão geral' },
})

/** An address that is nobody's, or a page that broke. */
export function Lost() {
  const say = useText()
  const error = useRouteError()
  return (
    <Container py="xl">
      {error instanceof Error ? <Wrong error={error} /> : <Empty title={say('title')} />}
      <Anchor component={Link} to="/">
        {say('home')}
      </Anchor>
    </Container>
  )
}
