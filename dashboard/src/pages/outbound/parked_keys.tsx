import { Button, Card, Code, Group, Stack, Text, Title } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Id } from '../../parts/id.tsx'
import { Shown } from '../../parts/page.tsx'
import { useText } from './subscription_text.ts'

/** Keys whose first delivery failed for good: somebody says whether it is tried anew or left behind. */
export function ParkedKeys({ subscription_id: id }: { subscription_id: string }) {
  const say = useText()
  const read = useRead(['deliveries', 'parked', id], () =>
    ask(api.GET('/v1/subscriptions/{id}/parked', { params: { path: { id } } })),
  )
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {say('parked')}
      </Title>
      <Shown read={read}>
        {({ data }) => (
          <>
            <Text size="sm" c="dimmed">
              {say(data.length === 0 ? 'parked_none' : 'parked_about')}
            </Text>
            {data.map((one) => (
              <Card key={one.key} withBorder py="xs">
                <Group justify="space-between">
                  <Group gap="sm">
                    <Code>{one.key}</Code>
                    <Text size="sm">{say('pending', { n: one.pending })}</Text>
                    <Text size="sm">{say('attempts', { n: one.attempts })}</Text>
                    <Id of={one.delivery_id} to={`/outbound/deliveries/${one.delivery_id}`} />
                  </Group>
                  <Decide id={id} of={one.key} />
                </Group>
              </Card>
            ))}
          </>
        )}
      </Shown>
    </Stack>
  )
}

function Decide({ id, of }: { id: string; of: string }) {
  const say = useText()
  const may = useMay()
  const asked = { params: { path: { id } }, body: { key: of } }
  const resume = useAct({
    act: () => ask(api.POST('/v1/subscriptions/{id}/parked/resume', asked)),
    done: say('resumed'),
    changes: ['deliveries'],
  })
  const skip = useAct({
    act: () => ask(api.POST('/v1/subscriptions/{id}/parked/skip', asked)),
    done: say('skipped'),
    changes: ['deliveries'],
  })
  if (!may('subscriptions:operate')) return null
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={() => resume.mutate()} loading={resume.isPending}>
        {say('resume_key')}
      </Button>
      <Confirm
        size="xs"
        variant="light"
        color="red"
        question={say('skip_sure')}
        verb={say('skip_key')}
        act={() => skip.mutateAsync()}
      />
    </Group>
  )
}
