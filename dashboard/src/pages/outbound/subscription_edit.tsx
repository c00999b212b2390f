import { useParams } from 'react-router'
import { Page, Shown } from '../../parts/page.tsx'
import { useText } from './form_text.ts'
import { useSubscription } from './subscription.tsx'
import { SubscriptionFields } from './subscription_form.tsx'

/** A subscription is made at `/outbound/subscriptions/new` and changed at `…/{id}/edit`. */
export function Component() {
  const { id } = useParams()
  return id ? <Edit id={id} /> : <New />
}

function New() {
  const say = useText()
  return (
    <Page title={say('new')} about={say('new_about')}>
      <SubscriptionFields of={null} />
    </Page>
  )
}

function Edit({ id }: { id: string }) {
  const say = useText()
  const read = useSubscription(id)
  return (
    <Page title={read.data ? `${say('edit')}: ${read.data.name}` : say('edit')}>
      <Shown read={read}>{(of) => <SubscriptionFields of={of} />}</Shown>
    </Page>
  )
}
