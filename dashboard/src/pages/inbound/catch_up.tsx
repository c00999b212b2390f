import { Alert, Badge, Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import type { AnswerOf } from '../../api/types.ts'
import { Facts } from '../../parts/facts.tsx'
import { number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import type { OneSource } from './source.tsx'
import { useText } from './vendor_text.ts'

type Seen = AnswerOf<'/v1/sources/{id}/catch-up'>

const WAITING_MS = 1_500

function useCatchUp(id: string) {
  const key = ['sources', 'catch_up', id] as const
  const known = useQueryClient().getQueryData<Seen>(key)
  return useRead(key, () => ask(api.GET('/v1/sources/{id}/catch-up', { params: { path: { id } } })), {
    ...(known?.state === 'running' && { every_ms: WAITING_MS }),
  })
}

/** Up to when the events that the vendor kept were read, what that found, and a button to look now. */
export function CatchUp({ of, kept_days }: { of: OneSource; kept_days: number }) {
  const say = useText()
  const may = useMay()
  const read = useCatchUp(of.id)
  const params = { path: { id: of.id } }
  const look = useAct({
    act: () => ask(api.POST('/v1/sources/{id}/catch-up', { params, body: {} })),
    done: say('looking'),
    changes: ['sources'],
  })
  const may_look = may('sources:write') && of.connection_id !== null && of.state === 'enabled'
  return (
    <Card withBorder>
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} size="h4">
              {say('catch_up')}
            </Title>
            {read.data && <How of={read.data} />}
          </Group>
          {may_look && (
            <Button
              size="xs"
              variant="default"
              loading={look.isPending || read.data?.state === 'running'}
              onClick={() => look.mutate()}
            >
              {say('look_now')}
            </Button>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {say(of.connection_id ? 'catch_up_about' : 'catch_up_unable', { days: kept_days })}
        </Text>
        <Shown read={read}>{(seen) => <Found of={seen} />}</Shown>
      </Stack>
    </Card>
  )
}

function How({ of: { state, error, ended_at } }: { of: Seen }) {
  const say = useText()
  const [name, color] =
    state === 'running'
      ? (['running', 'blue'] as const)
      : error !== null
        ? (['stopped', 'yellow'] as const)
        : ended_at === null
          ? (['not_yet', 'gray'] as const)
          : (['idle', 'teal'] as const)
  return (
    <Badge variant="light" color={color} tt="none" miw="max-content" role="status">
      {say(name)}
    </Badge>
  )
}

function Found({ of }: { of: Seen }) {
  const say = useText()
  if (of.began_at === null) return null
  const { read, added } = of
  return (
    <>
      {of.error && <Alert color="yellow">{of.error}</Alert>}
      <Facts
        of={[
          { name: say('last_run'), value: <When at={of.began_at} exact /> },
          { name: say('seen_until'), value: of.seen_until && <When at={of.seen_until} exact /> },
          { name: say('found'), value: say('found_what', { read: number(read), added: number(added) }) },
        ]}
      />
    </>
  )
}
