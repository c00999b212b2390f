import { Anchor, Group, Stack, Table, Text } from '@mantine/core'
import { Link, useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Chart } from '../../parts/chart.tsx'
import { duration, number, percent, short } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { type Range, RangePicker, useRange } from '../../parts/range.tsx'
import { State } from '../../parts/state.tsx'
import { texts } from '../../text/text.ts'
import { BanksOf } from './banks_of.tsx'
import { everyStep, type Step, stepOf } from './bars.ts'
import { HealthHistory } from './health_history.tsx'
import type { Metrics, OneConnection } from './reads.ts'
import { Part, Stats } from './stat.tsx'

const useText = texts('connection_overview', {
  en: {
    figures: 'Calls',
    requests: 'Requests',
    success: 'Success',
    mean: 'Mean',
    p95: '95 % within',
    p99: '99 % within',
    cached: 'From the cache',
    chart: 'Calls by the hour or day, by how they ended',
    succeeded: 'Succeeded',
    refused: 'Refused',
    failed: 'Failed',
    unknown: 'Unknown',
    none: 'No calls in this period.',
    errors: 'What went wrong',
    sources: 'Sources',
    sources_about: 'Addresses that receive the webhooks of this account.',
    no_sources: 'No source belongs to this connection.',
  },
  'pt-BR': {
    figures: 'Chamadas',
    requests: 'Requisições',
    success: 'Sucesso',
    mean: 'Média',
    p95: '95 % em até',
    p99: '99 % em até',
    cached: 'Do cache',
    chart: 'Chamadas por hora ou dia, por como terminaram',
    succeeded: 'Bem-sucedidas',
    refused: 'Recusadas',
    failed: 'Com falha',
    unknown: 'Desconhecidas',
    none: 'Nenhuma chamada neste período.',
    errors: 'O que deu errado',
    sources: 'Fontes',
    sources_about: 'Endereços que recebem os webhooks desta conta.',
    no_sources: 'Nenhuma fonte pertence a esta conexão.',
  },
})

/** How the connection does: its figures, its health over time, and what belongs to it. */
export function OverviewTab({ of }: { of: OneConnection }) {
  const may = useMay()
  return (
    <Stack>
      {may('calls:read') && <Calls of={of} />}
      <HealthHistory of={of} />
      {may('sources:read') && <Sources of={of} />}
      {may('banking:read') && <BanksOf of={of} />}
    </Stack>
  )
}

function Calls({ of }: { of: OneConnection }) {
  const say = useText()
  const range = useRange()
  const step = stepOf(range.from, range.to)
  const read = useRead(['connections', 'metrics', of.id, ...keyOf(range)], () =>
    ask(
      api.GET('/v1/metrics/connections', {
        params: { query: { connection_id: of.id, from: range.from, to: range.to, step } },
      }),
    ),
  )
  return (
    <Part title={say('figures')} actions={<RangePicker />}>
      <Shown read={read}>{(metrics) => <Figures of={metrics} step={step} connection_id={of.id} />}</Shown>
    </Part>
  )
}

/** A named period moves with the clock and stays the same to what is kept. */
const keyOf = ({ name, from, to }: Range): string[] => (name === 'custom' ? [name, from, to] : [name])

const ENDS = [
  { name: 'succeeded', color: 'teal.6' },
  { name: 'refused', color: 'orange.5' },
  { name: 'failed', color: 'red.6' },
  { name: 'unknown', color: 'gray.5' },
] as const

type FiguresProps = { of: Metrics; step: Step; connection_id: string }

function Figures({ of, step, connection_id }: FiguresProps) {
  const say = useText()
  const navigate = useNavigate()
  const { total } = of
  // An end that nothing came to is not worth a place in the legend.
  const ends = ENDS.filter(({ name }) => name === 'succeeded' || total[name] > 0)
  const points = new Map(of.series.map((point) => [Date.parse(point.at), point]))
  const data = everyStep({ from: of.from, to: of.to, step }, points).map(({ at, point }) => ({
    at,
    succeeded: point?.succeeded ?? 0,
    refused: point?.refused ?? 0,
    failed: point?.failed ?? 0,
    unknown: point?.unknown ?? 0,
  }))
  return (
    <Stack gap="sm">
      <Stats
        of={[
          [say('requests'), short(total.calls)],
          [say('success'), percent(total.success_rate)],
          [say('mean'), duration(total.mean_ms)],
          [say('p95'), duration(total.p95_ms)],
          [say('p99'), duration(total.p99_ms)],
          [say('cached'), short(total.cache_hits)],
        ]}
      />
      {total.calls === 0 && (
        <Text size="sm" c="dimmed">
          {say('none')}
        </Text>
      )}
      {total.calls > 0 && (
        <Chart
          kind="bar"
          stacked
          step={step}
          height={220}
          format={(value) => number(value)}
          data={data}
          label={say('chart')}
          series={ends.map(({ name, color }) => ({ name, color, label: say(name) }))}
          pick={(from, to) =>
            navigate(`/calls?${new URLSearchParams({ connection_id, range: 'custom', from, to })}`)
          }
        />
      )}
      <Errors of={total.errors} />
    </Stack>
  )
}

function Errors({ of }: { of: Metrics['total']['errors'] }) {
  const say = useText()
  const sorted = Object.entries(of).sort(([, a], [, b]) => b - a)
  if (sorted.length === 0) return null
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {say('errors')}
      </Text>
      <Group gap="lg">
        {sorted.map(([name, count]) => (
          <Text key={name} size="sm">
            {name.replaceAll('_', ' ')}{' '}
            <Text span fw={600}>
              {number(count)}
            </Text>
          </Text>
        ))}
      </Group>
    </div>
  )
}

function Sources({ of }: { of: OneConnection }) {
  const say = useText()
  const read = useRead(['sources', 'of', of.id], async () => {
    const { data } = await ask(api.GET('/v1/sources', { params: { query: { limit: '200' } } }))
    return data.filter((source) => source.connection_id === of.id)
  })
  return (
    <Part title={say('sources')} about={say('sources_about')}>
      <Shown read={read}>
        {(sources) =>
          sources.length === 0 ? (
            <Text size="sm" c="dimmed">
              {say('no_sources')}
            </Text>
          ) : (
            <Table fz="sm">
              <Table.Tbody>
                {sources.map(({ id, name, state, url }) => (
                  <Table.Tr key={id}>
                    <Table.Td>
                      <Anchor component={Link} to={`/inbound/sources/${id}`} size="sm">
                        {name}
                      </Anchor>
                    </Table.Td>
                    <Table.Td>
                      <State of={state} />
                    </Table.Td>
                    <Table.Td visibleFrom="sm" style={{ wordBreak: 'break-all' }}>
                      {url}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Shown>
    </Part>
  )
}
