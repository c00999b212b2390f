import { Alert, Button, Group, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { useParked, useSubscription } from './reads.ts'
import { useText } from './text.ts'

/** Where a delivery is the one that others of its key wait for: try it now, or go on without it. */
export function ParkedKey({
  subscription_id,
  delivery_id,
}: {
  subscription_id: string
  delivery_id: string
}) {
  const say = useText()
  const may = useMay()
  const subscription = useSubscription(subscription_id)
  const parked = useParked(subscription_id, subscription.data?.order?.per === 'key')
  const key = parked.data?.data.find((one) => one.delivery_id === delivery_id)
  const to = { params: { path: { id: subscription_id } }, body: { key: key?.key ?? '' } }
  const changes = ['stories', 'deliveries', 'subscriptions']
  const resume = useAct({
    act: () => ask(api.POST('/v1/subscriptions/{id}/parked/resume', to)),
    done: say('resumed'),
    changes,
  })
  const skip = useAct({
    act: () => ask(api.POST('/v1/subscriptions/{id}/parked/skip', to)),
    done: say('skipped'),
    changes,
  })
  if (!key) return null
  return (
    <Alert color="orange" variant="light" p="xs">
      <Group justify="space-between">
        <Text size="sm">{say('parked', { key: key.key, n: key.pending })}</Text>
        {may('subscriptions:operate') && (
          <Group gap="xs">
            <Button size="compact-xs" loading={resume.isPending} onClick={() => resume.mutate()}>
              {say('resume')}
            </Button>
            <Confirm
              size="compact-xs"
              color="orange"
              variant="light"
              question={say('skip_first_sure')}
              verb={say('skip_first')}
              act={() => skip.mutateAsync()}
            />
          </Group>
        )}
      </Group>
    </Alert>
  )
}
