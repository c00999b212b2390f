import { ActionIcon, Button, Group, Menu } from '@mantine/core'
import { IconBell, IconBellOff, IconUserCheck } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { type Alert, whereOf } from './kinds.ts'
import { useText } from './text.ts'

const HOURS = [1, 8, 24, 168] as const

/** What somebody may do about an alert: be on it, or hear no more of it for a while. */
export function AlertActions({ of }: { of: Alert }) {
  const may = useMay()
  if (of.state === 'resolved' || !may('alerts:operate')) return null
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      {of.state === 'firing' && <Take of={of} />}
      <Mute of={of} />
    </Group>
  )
}

function Take({ of }: { of: Alert }) {
  const say = useText()
  const take = useAct({
    act: () =>
      ask(api.POST('/v1/alerts/{id}/acknowledge', { params: { path: { id: of.id }, ...whereOf(of) } })),
    done: say('taken'),
    changes: ['alerts'],
  })
  const how = { variant: 'default', loading: take.isPending, onClick: () => take.mutate() }
  const icon = <IconUserCheck size={14} aria-hidden />
  return (
    <>
      <Button size="compact-xs" leftSection={icon} visibleFrom="sm" {...how}>
        {say('take')}
      </Button>
      <ActionIcon size={24} hiddenFrom="sm" aria-label={say('take')} {...how}>
        {icon}
      </ActionIcon>
    </>
  )
}

export const isMuted = ({ muted_until }: Pick<Alert, 'muted_until'>): boolean =>
  muted_until !== null && Date.parse(muted_until) > Date.now()

function Mute({ of }: { of: Alert }) {
  const say = useText()
  const muted = isMuted(of)
  const set = (minutes: number) =>
    ask(
      api.POST('/v1/alerts/{id}/mute', {
        params: { path: { id: of.id }, ...whereOf(of) },
        body: { minutes },
      }),
    )
  const mute = useAct({
    act: set,
    ...(!muted && { undo: () => set(0) }),
    done: ({ muted_until }) => say(muted_until ? 'muted_done' : 'unmuted_done'),
    changes: ['alerts'],
  })
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          variant="default"
          size={24}
          loading={mute.isPending}
          aria-label={say(muted ? 'muted' : 'mute')}
        >
          {muted ? <IconBellOff size={14} /> : <IconBell size={14} />}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{say('mute')}</Menu.Label>
        {HOURS.map((hours) => (
          <Menu.Item key={hours} onClick={() => mute.mutate(hours * 60)}>
            {say(`mute_${hours}`)}
          </Menu.Item>
        ))}
        {muted && (
          <>
            <Menu.Divider />
            <Menu.Item onClick={() => mute.mutate(0)}>{say('unmute')}</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
