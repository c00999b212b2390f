import { Paper, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** One chart, with what it shows. */
export function Panel({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <Paper withBorder radius="md" p="sm" miw={0} component="section" aria-label={title}>
      <Title order={2} size="h5" mb={about ? 0 : 'xs'}>
        {title}
      </Title>
      {about && (
        <Text size="xs" c="dimmed" mb="xs">
          {about}
        </Text>
      )}
      {children}
    </Paper>
  )
}
