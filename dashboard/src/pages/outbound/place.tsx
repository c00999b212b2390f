import { Outlet } from 'react-router'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { useText } from './text.ts'

const TABS = ['subscriptions', 'deliveries', 'events', 'types', 'replays'] as const

/** Who wants what, what was sent to them, and what there is to send. */
export function Component() {
  const say = useText()
  return (
    <Page title={say('title')} about={say('about')}>
      <PlaceTabs at="/outbound" tabs={TABS.map((name) => ({ name, label: say(name) }))}>
        <Outlet />
      </PlaceTabs>
    </Page>
  )
}
