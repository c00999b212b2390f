import { Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Id } from '../../parts/id.tsx'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './source_text.ts'

/** Entities whose messages wait behind one another, each with what lets it go on. */
export function Waiting({ source_id }: { source_id: string }) {
  const say = useText()
  const read = useRead(['messages', 'waiting', source_id], () =>
    ask(api.GET('/v1/sources/{id}/waiting', { params: { path: { id: source_id } } })),
  )
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {say('waiting')}
      </Title>
      <Shown read={read}>
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm" c="dimmed">
              {say('waiting_none')}
            </Text>
          ) : (
            data.map((lane) => (
              <Card withBorder key={lane.message_id} py="xs">
                <Group justify="space-between">
                  <Group gap="sm">
                    <Id of={lane.message_id} to={`/story/${lane.message_id}`} />
                    <Text size="sm">{say(`wait_${lane.wait}`)}</Text>
                    <Text size="xs" c="dimmed" component="span">
                      {say('since')} <When at={lane.since} />
                    </Text>
                  </Group>
                  <Mend message_id={lane.message_id} />
                </Group>
              </Card>
            ))
          )
        }
      </Shown>
    </Stack>
  )
}

function Mend({ message_id: id }: { message_id: string }) {
  const say = useText()
  const may = useMay()
  const params = { path: { id } }
  const replay = useAct({
    act: () => ask(api.POST('/v1/messages/{id}/replay', { params })),
    done: say('replayed'),
    changes: ['messages'],
  })
  const skip = useAct({
    act: () => ask(api.POST('/v1/messages/{id}/skip', { params })),
    done: say('skipped'),
    changes: ['messages'],
  })
  if (!may('sources:operate')) return null
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={() => replay.mutate()} loading={replay.isPending}>
        {say('replay')}
      </Button>
      <Confirm
        size="xs"
        variant="light"
        color="red"
        question={say('skip_sure')}
        verb={say('skip')}
        act={() => skip.mutateAsync()}
      />
    </Group>
  )
}
