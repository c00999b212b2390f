import { Anchor, Box, Group, Text } from '@mantine/core'
import { Link } from 'react-router'
import { duration, percent, short } from '../../parts/figures.ts'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { BreakerBadge, HealthBadge, LimitBar, Sign } from './badges.tsx'
import { ConnectionMenu } from './menu.tsx'
import { useNames } from './names.ts'
import { asPages, type Connection, type Figures, type Provider } from './reads.ts'

type RowsProps = {
  rows: Connection[]
  providers: ReadonlyMap<string, Provider>
  figures: ReadonlyMap<string, Figures> | undefined
}

/** Connections one below the other, for who has many. */
export function ConnectionTable({ rows, providers, figures }: RowsProps) {
  const say = useNames()
  const of = (one: Connection) => figures?.get(one.id)
  const columns: Column<Connection>[] = [
    {
      title: say('connection'),
      cell: (one) => <Named of={one} provider={providers.get(one.provider)} />,
    },
    { title: say('health'), cell: (one) => <HealthBadge of={one} />, width: 130 },
    { title: say('breaker'), cell: (one) => <BreakerBadge id={one.id} is_short />, width: 120, wide: true },
    {
      title: say('requests'),
      cell: (one) => <Figure>{short(of(one)?.calls ?? 0)}</Figure>,
      right: true,
      wide: true,
    },
    {
      title: say('success'),
      cell: (one) => <Figure>{percent(of(one)?.success_rate)}</Figure>,
      right: true,
      wide: true,
    },
    {
      title: say('mean'),
      cell: (one) => <Figure>{duration(of(one)?.mean_ms)}</Figure>,
      right: true,
      wide: true,
    },
    { title: say('limit'), cell: (one) => <Narrow id={one.id} />, width: 130, wide: true },
    { title: say('last_seen'), cell: (one) => <When at={one.last_seen} />, width: 110, wide: true },
    {
      title: say('credentials'),
      cell: (one) => <When at={one.credentials_set_at} />,
      width: 110,
      wide: true,
    },
    { title: say('acts'), cell: (one) => <ConnectionMenu of={one} />, width: 70, right: true },
  ]
  return (
    <DataTable
      label={say('connections')}
      columns={columns}
      pages={asPages(rows, null)}
      id={(one) => one.id}
      to={(one) => `/connections/${one.id}`}
    />
  )
}

const Figure = ({ children }: { children: string }) => (
  <Text span inherit style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
    {children}
  </Text>
)

const Narrow = ({ id }: { id: string }) => (
  <Box w={115}>
    <LimitBar id={id} />
  </Box>
)

function Named({ of, provider }: { of: Connection; provider: Provider | undefined }) {
  const say = useNames()
  const vendor = provider?.name ?? of.provider
  return (
    <Group gap="sm" wrap="nowrap">
      <Sign name={vendor} category={provider?.category} size={30} />
      <Box miw={{ base: 130, md: 180 }}>
        <Anchor component={Link} to={`/connections/${of.id}`} fw={600} c="inherit" size="sm" lineClamp={1}>
          {of.name}
        </Anchor>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {vendor} · {say(of.environment)}
        </Text>
      </Box>
    </Group>
  )
}
