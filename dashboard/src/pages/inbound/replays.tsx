import { Card, Group, MultiSelect, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { nameIn, useSources } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { RowOf } from '../../api/types.ts'
import { Empty, Wrong } from '../../parts/page.tsx'
import { RangePicker, useRange } from '../../parts/range.tsx'
import { ReplayCard, StartReplay } from '../../parts/replays.tsx'
import { useStateName } from '../../parts/state.tsx'
import { useText } from './replay_text.ts'

type Replay = RowOf<'/v1/message-replays'>
type StateOf = 'failed' | 'ignored' | 'parked'
const STATES: StateOf[] = ['failed', 'ignored', 'parked']

/** Messages of a span of time processed again: counted first, then watched. */
export function Component() {
  const say = useText()
  const may = useMay()
  const pages = usePages<Replay>(['messages', 'replays'], (cursor) =>
    ask(api.GET('/v1/message-replays', { params: { query: { cursor, limit: '50' } } })),
  )
  const replays = pages.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <Stack>
      {may('sources:operate') && <Start />}
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
  const name = useStateName()
  const sources = useSources()
  const range = useRange()
  const [source_id, setSource] = useState<string | null>(null)
  const [event_type, setType] = useState('')
  const [states, setStates] = useState<string[]>(['failed'])
  const [per_second, setRate] = useState<number | string>('')
  const asked = {
    since: range.from,
    until: range.name === 'custom' ? range.to : undefined,
    source_id: source_id ?? undefined,
    event_type: event_type.trim() || undefined,
    states: STATES.filter((state) => states.includes(state)),
    per_second: per_second === '' ? undefined : Number(per_second),
  }
  const act = useAct({
    act: (dry_run: boolean) => ask(api.POST('/v1/message-replays', { body: { ...asked, dry_run } })),
    changes: ['messages'],
  })
  return (
    <Card withBorder>
      <Stack gap="sm">
        <RangePicker />
        <Group align="flex-end">
          <MultiSelect
            label={say('states')}
            data={STATES.map((value) => ({ value, label: name(value) }))}
            value={states}
            onChange={setStates}
          />
          <Select
            label={say('source')}
            placeholder={say('all')}
            clearable
            data={sources.map(({ id, name: label }) => ({ value: id, label }))}
            value={source_id}
            onChange={setSource}
          />
          <TextInput
            label={say('type')}
            placeholder={say('all')}
            value={event_type}
            onChange={({ currentTarget }) => setType(currentTarget.value)}
          />
          <NumberInput
            label={say('rate')}
            placeholder={say('no_limit')}
            min={1}
            max={1_000}
            value={per_second}
            onChange={setRate}
          />
        </Group>
        <StartReplay
          key={JSON.stringify({ ...asked, since: range.name })}
          is_ready={states.length > 0}
          count={async () => (await act.mutateAsync(true)).total}
          start={() => act.mutateAsync(false)}
        />
      </Stack>
    </Card>
  )
}

function OneReplay({ of }: { of: Replay }) {
  const may = useMay()
  const name = useStateName()
  const sources = useSources()
  const params = { path: { id: of.id } }
  const act = useAct({
    act: (verb: 'pause' | 'resume' | 'cancel') =>
      ask(api.POST(`/v1/message-replays/{id}/${verb}`, { params })),
    changes: ['messages'],
  })
  const labels = [
    ...of.states.map(name),
    ...(of.source_id ? [nameIn(sources, of.source_id)] : []),
    ...(of.event_type ? [of.event_type] : []),
  ]
  return <ReplayCard of={of} labels={labels} act={may('sources:operate') ? act.mutateAsync : undefined} />
}
