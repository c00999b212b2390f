import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import rail from '../rail.svg'

/** A page for who is not signed in yet. */
export function Card({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder shadow="sm" radius="lg" p="xl" w={420} maw="100%">
        <Stack>
          <Group gap="sm">
            <img src={rail} alt="" width={34} height={34} />
            <Title order={1} size="h3">
              {title}
            </Title>
          </Group>
          {about && <Text c="dimmed">{about}</Text>}
          {children}
        </Stack>
      </Paper>
    </Center>
  )
}
