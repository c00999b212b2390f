import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'
import { useLocation, useNavigate } from 'react-router'

type PlaceTabsProps = { at: string; tabs: { name: string; label: string }[]; children: ReactNode }

/** The pages of a place, each with its own address below `at`; the first is the place's own. */
export function PlaceTabs({ at, tabs, children }: PlaceTabsProps) {
  const { pathname } = useLocation()
  const navigate = useNavigate()
  const name = pathname.slice(at.length + 1).split('/')[0] || tabs[0]?.name || ''
  const go = (to: string | null) => navigate(to === tabs[0]?.name ? at : `${at}/${to}`)
  return (
    <Tabs value={name} onChange={go} keepMounted={false}>
      <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto' }}>
        {tabs.map((tab) => (
          <Tabs.Tab key={tab.name} value={tab.name}>
            {tab.label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={name}>{children}</Tabs.Panel>
    </Tabs>
  )
}
