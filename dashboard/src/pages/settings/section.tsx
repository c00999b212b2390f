import { Box, Group, Paper, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

type SectionProps = { title: string; about?: ReactNode; action?: ReactNode; children: ReactNode; w?: number }

/** One thing that can be set, with what it is for. */
export function Section({ title, about, action, children, w }: SectionProps) {
  return (
    <Paper withBorder p={{ base: 'sm', sm: 'lg' }} mb="md" component="section" aria-label={title} maw={w}>
      <Group justify="space-between" align="flex-start" mb="sm" gap="sm">
        <Box flex={1} miw={220}>
          <Title order={2} size="h4">
            {title}
          </Title>
          {about && (
            <Text size="sm" c="dimmed">
              {about}
            </Text>
          )}
        </Box>
        {action}
      </Group>
      {children}
    </Paper>
  )
}
