import { Outlet } from 'react-router'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { useText } from './text.ts'

const TABS = ['messages', 'quarantine', 'turned_away', 'sources', 'replays'] as const

/** What comes in, what and who was refused, where it comes to, and what is processed again. */
export function Component() {
  const say = useText()
  return (
    <Page title={say('title')} about={say('about')}>
      <PlaceTabs at="/inbound" tabs={TABS.map((name) => ({ name, label: say(name) }))}>
        <Outlet />
      </PlaceTabs>
    </Page>
  )
}
