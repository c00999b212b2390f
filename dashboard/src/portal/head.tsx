import { Anchor, Box, Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { hrefOf, type Place } from './place.ts'

type HeadProps = {
  title: string
  about?: ReactNode
  beside?: ReactNode
  actions?: ReactNode
  /** Where it came from. */
  back?: { to: Place; name: string }
}

/** What a place of the portal is, what one can do there, and the way back. */
export function Head({ title, about, beside, actions, back }: HeadProps) {
  return (
    <Box>
      {back && (
        <Anchor href={hrefOf(back.to)} size="sm">
          ← {back.name}
        </Anchor>
      )}
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box miw={0}>
          <Group gap="sm">
            <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {beside}
          </Group>
          {about && (
            <Text c="dimmed" size="sm" style={{ overflowWrap: 'anywhere' }}>
              {about}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
    </Box>
  )
}
