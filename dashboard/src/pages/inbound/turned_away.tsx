import { Anchor, Stack } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { nameIn, useSources } from '../../api/names.ts'
import type { RowOf } from '../../api/types.ts'
import {
  FilterBar,
  FilterNamed,
  FilterSelect,
  FilterText,
  useFilters,
  useLiveList,
} from '../../parts/filters.tsx'
import { Empty } from '../../parts/page.tsx'
import { RangePicker, useSpan } from '../../parts/range.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type Turned = RowOf<'/v1/security-events'>

const KINDS = [
  'refused',
  'not_kept',
  'address_refused',
  'token_refused',
  'rate_limited',
  'plain_http',
] as const

/** Who was turned away at the door, whether what they sent was kept or not. */
export function Component() {
  const say = useText()
  const sources = useSources()
  const kinds = useKinds()
  const filters = useFilters(['kind', 'source_id', 'ip'])
  const span = useSpan('since', 'until')
  const asked = { ...filters.set, ...span.asked }
  const key = ['quarantine', 'turned_away', filters.set, ...span.key] as const
  const { pages, held } = useLiveList<Turned>(key, (cursor) =>
    ask(api.GET('/v1/security-events', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters} held={held} beside={<RangePicker />}>
        <FilterSelect of={filters} name="kind" label={say('kind')} choices={kinds} />
        <FilterNamed of={filters} name="source_id" label={say('source')} among={sources} />
        <FilterText of={filters} name="ip" label={say('from_ip')} />
      </FilterBar>
      <DataTable
        label={say('turned_away')}
        columns={useColumns()}
        pages={pages}
        id={({ id }) => id}
        empty={filters.is_any || asked.until ? undefined : <Empty title={say('no_turned_away')} />}
      />
    </Stack>
  )
}

/** What was kept is in the quarantine; of the rest there is the source, whose options say who may send, and how much. */
const placeOf = ({ kind, source_id }: Turned): string =>
  kind === 'webhook.refused' ? `/inbound/quarantine?source_id=${source_id}` : `/inbound/sources/${source_id}`

function useKinds(): { value: string; label: string }[] {
  const say = useText()
  return KINDS.map((kind) => ({ value: `webhook.${kind}`, label: say(`kind_${kind}`) }))
}

function useColumns(): Column<Turned>[] {
  const say = useText()
  const sources = useSources()
  const kinds = useKinds()
  return [
    {
      title: say('kind'),
      width: 230,
      cell: (one) => (
        <Anchor component={Link} to={placeOf(one)} size="sm">
          {kinds.find(({ value }) => value === one.kind)?.label ?? one.kind}
        </Anchor>
      ),
    },
    { title: say('detail'), wide: true, cell: ({ detail }) => cut(detail, 420) },
    { title: say('source'), width: 180, wide: true, cell: ({ source_id }) => nameIn(sources, source_id) },
    { title: say('from_ip'), width: 130, cell: ({ ip }) => ip ?? '–' },
    { title: say('at'), width: 130, right: true, cell: (one) => <When at={one.at} /> },
  ]
}
