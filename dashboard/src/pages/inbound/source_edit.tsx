import { useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { Provider } from '../../api/names.ts'
import { inOurLanguage } from '../../api/provider_texts.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { spoken } from '../../text/text.ts'
import { useSource } from './source.tsx'
import { type Receiving, SourceFields } from './source_form.tsx'
import { useText } from './source_text.ts'

/** A source is made at `/inbound/sources/new` and changed at `…/{id}/edit`. */
export function Component() {
  const { id } = useParams()
  return id ? <Edit id={id} /> : <New />
}

function New() {
  const say = useText()
  const providers = useReceiving()
  return (
    <Page title={say('new')} about={say('none_next')}>
      <Shown read={providers}>
        {({ data }) => <SourceFields of={null} providers={data.filter(receives)} />}
      </Shown>
    </Page>
  )
}

function Edit({ id }: { id: string }) {
  const say = useText()
  const providers = useReceiving()
  const source = useSource(id)
  return (
    <Page title={source.data ? `${say('edit')}: ${source.data.name}` : say('edit')}>
      <Shown read={source}>
        {(of) => (
          <Shown read={providers}>
            {({ data }) => <SourceFields of={of} providers={data.filter(receives)} />}
          </Shown>
        )}
      </Shown>
    </Page>
  )
}

const useReceiving = () =>
  useRead(['providers', 'receiving', spoken()], async () => {
    const { data } = await ask(api.GET('/v1/providers'))
    return { data: await inOurLanguage(data) }
  })

/** Only a provider that sends webhooks can have a source. */
const receives = (provider: Provider): provider is Receiving & Provider => provider.webhooks !== null
