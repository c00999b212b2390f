import { Card, Group, NumberInput, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { nameIn, useSubscriptions } from '../../api/names.ts'
import type { paths } from '../../api/schema.ts'
import { useMay } from '../../api/session.tsx'
import { Empty, Wrong } from '../../parts/page.tsx'
import { RangePicker, useRange } from '../../parts/range.tsx'
import { ReplayCard, StartReplay } from '../../parts/replays.tsx'
import { useStateName } from '../../parts/state.tsx'
import { useText } from './replay_text.ts'

type Route = paths['/v1/replays']
type Replay = Route['get']['responses'][200]['content']['application/json']['data'][number]
type Asked = Route['post']['requestBody']['content']['application/json']
type StateOf = NonNullable<Asked['state']>
const STATES: StateOf[] = ['failed', 'expired', 'delivered', 'missing']

/** Deliveries of a span of time sent again: counted first, then watched. */
export function Component() {
  const say = useText()
  const may = useMay()
  const pages = usePages<Replay>(['deliveries', 'replays'], (cursor) =>
    ask(api.GET('/v1/replays', { params: { query: { cursor, limit: '50' } } })),
  )
  const replays = pages.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <Stack>
      {may('subscriptions:operate') && <Start />}
      {pages.error && <Wrong error={pages.error} />}
      {pages.data && replays.length === 0 && <Empty title={say('none')}>{say('none_next')}</Empty>}
      {replays.map((one) => (
        <OneReplay key={one.id} of={one} />
      ))}
    </Stack>
  )
}

function Start() {
  const say = useText()
  const state_name = useStateName()
  const subscriptions = useSubscriptions()
  const range = useRange()
  const [subscription_id, setSubscription] = useState<string | null>(null)
  const [state, setState] = useState<StateOf>('failed')
  const [event_types, setTypes] = useState<string[]>([])
  const [status, setStatus] = useState<number | string>('')
  const [error, setError] = useState('')
  const [per_second, setRate] = useState<number | string>('')
  const asked: Asked = {
    subscription_id: subscription_id ?? '',
    since: range.from,
    state,
    ...(range.name === 'custom' && { until: range.to }),
    ...(event_types.length > 0 && { event_types }),
    ...(status !== '' && { status: Number(status) }),
    ...(error.trim() !== '' && { error: error.trim() }),
    ...(per_second !== '' && { per_second: Number(per_second) }),
  }
  const act = useAct({
    act: (dry_run: boolean) => ask(api.POST('/v1/replays', { body: { ...asked, dry_run } })),
    changes: ['deliveries'],
  })
  const nameOf = (one: StateOf) => (one === 'missing' ? say('missing') : state_name(one))
  return (
    <Card withBorder>
      <Stack gap="sm">
        <RangePicker />
        <Group align="flex-end">
          <Select
            label={say('subscription')}
            placeholder={say('choose')}
            withAsterisk
            searchable
            data={subscriptions.map(({ id, name }) => ({ value: id, label: name }))}
            value={subscription_id}
            onChange={setSubscription}
          />
          <Select
            label={say('state')}
            allowDeselect={false}
            data={STATES.map((value) => ({ value, label: nameOf(value) }))}
            value={state}
            onChange={(value) => setState(STATES.find((one) => one === value) ?? 'failed')}
          />
          <TagsInput
            label={say('types')}
            placeholder={event_types.length === 0 ? say('all') : ''}
            splitChars={[',', ' ']}
            acceptValueOnBlur
            value={event_types}
            onChange={setTypes}
          />
          <NumberInput
            label={say('status')}
            placeholder={say('all')}
            min={100}
            max={599}
            w={120}
            value={status}
            onChange={setStatus}
          />
          <TextInput
            label={say('error')}
            placeholder={say('all')}
            maxLength={200}
            w={160}
            value={error}
            onChange={({ currentTarget: { value } }) => setError(value)}
          />
          <NumberInput
            label={say('rate')}
            placeholder={say('no_limit')}
            min={1}
            max={1_000}
            w={160}
            value={per_second}
            onChange={setRate}
          />
        </Group>
        <StartReplay
          key={JSON.stringify({ ...asked, since: range.name })}
          is_ready={subscription_id !== null}
          count={async () => (await act.mutateAsync(true)).total}
          start={() => act.mutateAsync(false)}
        />
      </Stack>
    </Card>
  )
}

function OneReplay({ of }: { of: Replay }) {
  const say = useText()
  const may = useMay()
  const state_name = useStateName()
  const subscriptions = useSubscriptions()
  const params = { path: { id: of.id } }
  const act = useAct({
    act: (verb: 'pause' | 'resume' | 'cancel') => ask(api.POST(`/v1/replays/{id}/${verb}`, { params })),
    changes: ['deliveries'],
  })
  const labels = [
    nameIn(subscriptions, of.subscription_id),
    of.of_state === 'missing' ? say('missing') : state_name(of.of_state),
    ...(of.event_types ?? []),
    ...(of.status === null ? [] : [`HTTP ${of.status}`]),
    ...(of.error === null ? [] : [of.error]),
  ]
  return (
    <ReplayCard of={of} labels={labels} act={may('subscriptions:operate') ? act.mutateAsync : undefined} />
  )
}
