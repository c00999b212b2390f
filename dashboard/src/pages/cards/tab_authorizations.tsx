import { Badge, Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useLongList } from '../../api/hooks.ts'
import { duration } from '../../parts/figures.ts'
import { MoneyLink } from '../../parts/money_link.tsx'
import { Empty } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useDecisionReason } from './authorization_text.ts'
import { useCheckWord } from './check_words.ts'
import { Merchant } from './merchant.tsx'
import { type Authorization, type Card, useDecisions } from './reads.ts'
import { useText } from './text.ts'

/** What merchants asked for, and what was answered, why and how soon. */
export function AuthorizationsTab({ of }: { of: Card }) {
  const say = useText()
  const pages = useLongList<Authorization>(['cards', 'authorizations', of.id], (cursor) =>
    ask(api.GET('/v1/cards/authorizations', { params: { query: { card_id: of.id, cursor, limit: '100' } } })),
  )
  const columns: Column<Authorization>[] = [
    { title: say('status'), width: 130, wide: true, cell: ({ status }) => <State of={status} /> },
    {
      title: say('amount'),
      width: 120,
      right: true,
      cell: (one) => <MoneyLink to={`/cards/authorizations/${one.id}`} of={one.money} />,
    },
    { title: say('merchant'), cell: ({ merchant }) => <Merchant of={merchant} /> },
    { title: say('decision'), width: 240, cell: (one) => <Decisions of={one} /> },
    { title: say('method'), width: 130, wide: true, cell: (one) => <Method of={one} /> },
    {
      title: say('asked_at'),
      width: 120,
      wide: true,
      right: true,
      cell: ({ authorized_at }) => <When at={authorized_at} />,
    },
  ]
  return (
    <DataTable
      label={say('authorizations')}
      columns={columns}
      pages={pages}
      id={({ id }) => id}
      to={({ id }) => `/cards/authorizations/${id}`}
      empty={<Empty title={say('authorization_none')}>{say('authorization_none_next')}</Empty>}
    />
  )
}

function Decisions({ of }: { of: Authorization }) {
  const read = useDecisions(of)
  const decisions = read.data?.decisions ?? []
  // What was never asked of us was decided at the vendor, which says why.
  if (decisions.length === 0) return <>{(read.data && of.vendor_reason) ?? '–'}</>
  return (
    <Stack gap={4}>
      {decisions.map((one) => (
        <DecisionLine key={one.id} of={one} />
      ))}
    </Stack>
  )
}

type Decision = NonNullable<ReturnType<typeof useDecisions>['data']>['decisions'][number]

function DecisionLine({ of: { approved, reason, elapsed_ms } }: { of: Decision }) {
  const say = useText()
  const why = useDecisionReason()
  const said = approved === null ? 'not_known' : approved ? 'approved' : 'declined'
  const color = { not_known: 'gray', approved: 'teal', declined: 'orange' }[said]
  return (
    <div>
      <Badge variant="light" color={color} tt="none" fw={600} miw="max-content">
        {say(said)}
      </Badge>
      <Text size="xs" c="dimmed" maw={260} lineClamp={2} title={why(reason)}>
        {why(reason)} · {duration(elapsed_ms)}
      </Text>
    </div>
  )
}

function Method({ of: { method, wallet, three_d_secure } }: { of: Authorization }) {
  const word = useCheckWord()
  return (
    <>
      <Text size="sm">{[word(method), wallet].filter(Boolean).join(' · ') || '–'}</Text>
      {three_d_secure && (
        <Text size="xs" c="dimmed">
          3-D Secure: {word(three_d_secure)}
        </Text>
      )}
    </>
  )
}
