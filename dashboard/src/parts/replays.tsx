import { Badge, Button, Card, Group, Progress, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { texts } from '../text/text.ts'
import { Confirm } from './confirm.tsx'
import { number } from './figures.ts'
import { Id } from './id.tsx'
import { State } from './state.tsx'
import { When } from './when.tsx'

const useText = texts('replays', {
  en: {
    progress: '{{done}} of {{total}}',
    pause: 'Pause',
    resume: 'Resume',
    cancel: 'Cancel',
    cancel_sure: 'What was not yet done stays as it is.',
    span: 'From',
    until: 'to',
    per_second: '{{n}} a second',
    count: 'Count first',
    counted: '{{n}} would be taken.',
    start: 'Start',
  },
  'pt-BR': {
    progress: '{{done}} de {{total}}',
    pause: 'Pausar',
    resume: 'Retomar',
    cancel: 'Cancelar',
    cancel_sure: 'O que ainda não foi feito fica como está.',
    span: 'De',
    until: 'até',
    per_second: '{{n}} por segundo',
    count: 'Contar antes',
    counted: '{{n}} seriam incluídas.',
    start: 'Iniciar',
  },
})

/** What replays of messages and of deliveries have alike. */
export type Replay = {
  id: string
  state: 'running' | 'paused' | 'completed' | 'canceled'
  total: number
  replayed: number
  since: string
  until: string
  per_second: number | null
  created_at: string
}

type ReplayCardProps = {
  of: Replay
  /** What it is of, in words. */
  labels: string[]
  /** Not given to who may not. */
  act?: (verb: 'pause' | 'resume' | 'cancel') => Promise<unknown>
}

/** How far a replay is, and what holds it up or ends it. */
export function ReplayCard({ of, labels, act }: ReplayCardProps) {
  const say = useText()
  const percent = of.total === 0 ? 100 : (of.replayed / of.total) * 100
  return (
    <Card withBorder>
      <Stack gap="xs">
        <Group justify="space-between">
          <Group gap="sm">
            <State of={of.state} />
            {labels.map((label) => (
              <Badge key={label} variant="default" tt="none" fw={400}>
                {label}
              </Badge>
            ))}
            {of.per_second !== null && <Text size="xs">{say('per_second', { n: of.per_second })}</Text>}
          </Group>
          {act && <Buttons state={of.state} act={act} />}
        </Group>
        <Progress
          value={percent}
          animated={of.state === 'running'}
          color={of.state === 'canceled' ? 'gray' : undefined}
          aria-label={say('progress', { done: of.replayed, total: of.total })}
        />
        <Group justify="space-between">
          <Text size="sm">{say('progress', { done: number(of.replayed), total: number(of.total) })}</Text>
          <Text size="xs" c="dimmed" component="span">
            {say('span')} <When at={of.since} exact /> {say('until')} <When at={of.until} exact />
          </Text>
          <Id of={of.id} />
        </Group>
      </Stack>
    </Card>
  )
}

function Buttons({ state, act }: { state: Replay['state']; act: NonNullable<ReplayCardProps['act']> }) {
  const say = useText()
  if (state !== 'running' && state !== 'paused') return null
  const other = state === 'running' ? 'pause' : 'resume'
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={() => void act(other).catch(() => {})}>
        {say(other)}
      </Button>
      <Confirm
        size="xs"
        variant="light"
        color="red"
        question={say('cancel_sure')}
        verb={say('cancel')}
        act={() => act('cancel')}
      />
    </Group>
  )
}

type StartProps = {
  count: () => Promise<number>
  start: () => Promise<unknown>
  is_ready: boolean
}

/** Counts what would be taken before it is: nobody replays a million by mistake. */
export function StartReplay({ count, start, is_ready }: StartProps) {
  const say = useText()
  const [counted, setCounted] = useState<number | null>(null)
  const [is_busy, setBusy] = useState(false)
  const run = async (what: () => Promise<void>) => {
    setBusy(true)
    await what().catch(() => {}) // it was said already
    setBusy(false)
  }
  return (
    <Group gap="sm">
      <Button
        variant="default"
        loading={is_busy}
        disabled={!is_ready}
        onClick={() => void run(async () => setCounted(await count()))}
      >
        {say('count')}
      </Button>
      {counted !== null && (
        <>
          <Text size="sm" aria-live="polite">
            {say('counted', { n: number(counted) })}
          </Text>
          <Button
            disabled={counted === 0}
            loading={is_busy}
            onClick={() =>
              void run(async () => {
                await start()
                setCounted(null)
              })
            }
          >
            {say('start')}
          </Button>
        </>
      )}
    </Group>
  )
}
