import { Outlet } from 'react-router'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { useText } from './text.ts'

const TABS = ['payments', 'disputes', 'routes'] as const

/** The payments, what their payers dispute, and which connections take them. */
export function Component() {
  const say = useText()
  return (
    <Page title={say('title')}>
      <PlaceTabs at="/payments" tabs={TABS.map((name) => ({ name, label: say(name) }))}>
        <Outlet />
      </PlaceTabs>
    </Page>
  )
}
