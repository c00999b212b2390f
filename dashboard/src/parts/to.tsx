import { Anchor, type AnchorProps } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

/** A link within the dashboard, as text is. */
export function To({ to, children, ...how }: AnchorProps & { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={to} size="sm" {...how}>
      {children}
    </Anchor>
  )
}
