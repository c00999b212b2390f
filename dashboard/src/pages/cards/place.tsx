import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link, Outlet } from 'react-router'
import { useMay } from '../../api/session.tsx'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { useText as useManaging } from './manage_text.ts'
import { useText } from './text.ts'

const TABS = ['cards', 'rules'] as const

/** The cards that were issued, and the rules by which their use is decided. */
export function Component() {
  const say = useText()
  return (
    <Page title={say('cards')} about={say('about')} actions={<IssueButton />}>
      <PlaceTabs at="/cards" tabs={TABS.map((name) => ({ name, label: say(name) }))}>
        <Outlet />
      </PlaceTabs>
    </Page>
  )
}

export function IssueButton() {
  const say = useManaging()
  const may = useMay()
  if (!may('cards:write')) return null
  return (
    <Button component={Link} to="/cards/new" leftSection={<IconPlus size={16} />}>
      {say('issue')}
    </Button>
  )
}
