import { Alert, Box, Center, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { Refusal } from '../api/client.ts'
import { useWords } from './words.ts'

type PageProps = { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }

/** Title, what one can do here, and the page itself. */
export function Page({ title, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Trilho`
  }, [title])
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <Box>
          <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm">
              {about}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}

/** What went wrong, in the server's words, with the id its log knows. */
export function Wrong({ error }: { error: Error }) {
  const say = useWords()
  const problem = error instanceof Refusal ? error.problem : null
  return (
    <Alert color="red" title={say('wrong')} role="alert">
      {error.message}
      {problem && (
        <Text size="xs" c="dimmed" mt={4}>
          {say('request', { id: problem.request_id })}
        </Text>
      )}
    </Alert>
  )
}

type Read<Data> = { data: Data | undefined; error: Error | null; isPending: boolean }

/** Shows what was read; while it is being read a sign of that, and what went wrong where it did. */
export function Shown<Data>({ read, children }: { read: Read<Data>; children: (data: Data) => ReactNode }) {
  if (read.data !== undefined) return <>{children(read.data)}</>
  if (read.error) return <Wrong error={read.error} />
  return <Waiting />
}

/** Stands where something is still being read, and says so to who cannot see it turn. */
export function Waiting({ height = 160 }: { height?: number | string }) {
  const say = useWords()
  return (
    <Center mih={height}>
      <Loader role="status" aria-label={say('loading')} />
    </Center>
  )
}

/** Where there is nothing yet: what it would be, and the next step. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <Center mih={220}>
      <Stack align="center" gap="xs" maw={460} ta="center">
        <Title order={2} size="h4">
          {title}
        </Title>
        {children && <Text c="dimmed">{children}</Text>}
        {action}
      </Stack>
    </Center>
  )
}
