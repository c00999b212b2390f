import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Outlet } from 'react-router'
import { useMay } from '../../api/session.tsx'
import { Page } from '../../parts/page.tsx'
import { PlaceTabs } from '../../parts/place_tabs.tsx'
import { ConnectBank } from './connect.tsx'
import { useText } from './text.ts'

const TABS = ['banks', 'transactions'] as const

/** The banks, and what went through all of them. */
export function Component() {
  const say = useText()
  return (
    <Page title={say('title')} about={say('about')} actions={<ConnectButton />}>
      <PlaceTabs at="/banks" tabs={TABS.map((name) => ({ name, label: say(name) }))}>
        <Outlet />
      </PlaceTabs>
    </Page>
  )
}

export function ConnectButton() {
  const say = useText()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  if (!may('banking:write')) return null
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen(true)}>
        {say('connect')}
      </Button>
      {is_open && <ConnectBank close={() => setOpen(false)} />}
    </>
  )
}
