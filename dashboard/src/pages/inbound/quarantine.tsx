import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { nameIn, useSources } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import type { RowOf } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { number } from '../../parts/figures.ts'
import { FilterBar, FilterNamed, useFilters, useLiveList } from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { Refused } from './refused.tsx'
import { useText } from './text.ts'

type Quarantined = RowOf<'/v1/quarantine'>

const REASONS = [
  'bad_signature',
  'malformed',
  'missing_header',
  'no_secret',
  'schema_mismatch',
  'too_new',
  'too_old',
] as const

/** What was refused at the door, why, and what takes it in after all. */
export function Component() {
  const say = useText()
  const may = useMay()
  const sources = useSources()
  const filters = useFilters(['source_id', 'open'])
  const { source_id, open } = filters.set
  const key = ['quarantine', 'list', source_id] as const
  const { pages, held } = useLiveList<Quarantined>(key, (cursor) =>
    ask(api.GET('/v1/quarantine', { params: { query: { source_id, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar
        of={filters}
        held={held}
        beside={
          source_id && (
            <>
              {may('sources:operate') && <ReleaseAll source_id={source_id} />}
              {may('sources:write') && <DiscardAll source_id={source_id} />}
            </>
          )
        }
      >
        <FilterNamed of={filters} name="source_id" label={say('source')} among={sources} />
      </FilterBar>
      <DataTable
        label={say('quarantine')}
        columns={useColumns((id) => filters.change('open', id))}
        pages={pages}
        id={({ id }) => id}
        empty={
          source_id ? undefined : <Empty title={say('no_quarantine')}>{say('no_quarantine_next')}</Empty>
        }
      />
      <Refused id={open ?? null} close={() => filters.change('open', null)} />
    </Stack>
  )
}

export function useReason(): (reason: string) => string {
  const say = useText()
  const known = (reason: string): reason is (typeof REASONS)[number] =>
    (REASONS as readonly string[]).includes(reason)
  return (reason) => (known(reason) ? say(reason) : reason.replaceAll('_', ' '))
}

function useColumns(open: (id: string) => void): Column<Quarantined>[] {
  const say = useText()
  const reason = useReason()
  const sources = useSources()
  return [
    {
      title: say('reason'),
      width: 230,
      cell: (one) => (
        <Anchor component="button" type="button" size="sm" ta="left" onClick={() => open(one.id)}>
          {reason(one.reason)}
        </Anchor>
      ),
    },
    {
      title: say('detail'),
      wide: true,
      cell: ({ detail }) => cut(detail, 420),
    },
    { title: say('source'), width: 180, wide: true, cell: ({ source_id }) => nameIn(sources, source_id) },
    { title: say('from_ip'), width: 130, wide: true, cell: ({ ip }) => ip ?? '–' },
    { title: say('received'), width: 130, right: true, cell: (one) => <When at={one.received_at} /> },
  ]
}

/** The server looks at so many at a time and says where it stopped. */
function ReleaseAll({ source_id }: { source_id: string }) {
  const say = useText()
  const release = useAct({
    act: () => releaseAll(source_id),
    done: ({ released, refused }) => say('released_all', { released, refused }),
    changes: ['quarantine', 'messages'],
  })
  return (
    <Confirm
      size="xs"
      variant="default"
      question={say('release_all_sure')}
      verb={say('release_all')}
      act={() => release.mutateAsync()}
    />
  )
}

const EVER = new Date(0).toISOString()

/** Counted first; what comes while somebody makes up their mind stays. */
function DiscardAll({ source_id }: { source_id: string }) {
  const say = useText()
  const [counted, setCounted] = useState<{ total: number; until: string } | null>(null)
  const params = { path: { id: source_id } }
  const count = useAct({
    act: () => ask(api.POST('/v1/sources/{id}/discard', { params, body: { since: EVER, dry_run: true } })),
  })
  const discard = useAct({
    act: (until: string) =>
      ask(api.POST('/v1/sources/{id}/discard', { params, body: { since: EVER, until } })),
    done: (told) => say('discarded_all', { n: 'discarded' in told ? number(told.discarded) : 0 }),
    changes: ['quarantine'],
  })
  const close = () => setCounted(null)
  const countFirst = () =>
    count.mutate(undefined, { onSuccess: (told) => setCounted('dry_run' in told ? told : null) })
  return (
    <>
      <Button size="xs" variant="default" loading={count.isPending} onClick={countFirst}>
        {say('discard_all')}
      </Button>
      <Dialog opened={counted !== null} close={close} title={say('discard_all')}>
        <Text>{say('discard_all_sure', { n: number(counted?.total ?? 0) })}</Text>
        <DialogEnd
          close={close}
          mt="lg"
          color="red"
          loading={discard.isPending}
          act={() => discard.mutate(counted?.until ?? '', { onSettled: close })}
        >
          {say('discard')}
        </DialogEnd>
      </Dialog>
    </>
  )
}

async function releaseAll(id: string): Promise<{ released: number; refused: number }> {
  const sum = { released: 0, refused: 0 }
  let cursor: string | undefined
  do {
    const params = { path: { id }, query: { cursor } }
    const part = await ask(api.POST('/v1/sources/{id}/release', { params, body: {} }))
    sum.released += part.released
    sum.refused += part.refused
    cursor = part.next_cursor ?? undefined
  } while (cursor)
  return sum
}
