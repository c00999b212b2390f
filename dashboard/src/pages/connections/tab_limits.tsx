import { Anchor, Stack, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { Chart } from '../../parts/chart.tsx'
import { bytes, number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { RangePicker, useRange } from '../../parts/range.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { Bar } from './badges.tsx'
import { everyStep } from './bars.ts'
import { periodName, useNames } from './names.ts'
import { type LimitsReport, type OneConnection, type Rate, useLimits } from './reads.ts'
import { Part, Stats } from './stat.tsx'

const useText = texts('connection_limits', {
  en: {
    now: 'Used now',
    now_about: 'A call takes from every one of these or from none.',
    change: 'Change its limits',
    level: 'Of',
    operation: 'operation {{name}}',
    connection: 'this connection',
    tenant: 'all connections of the tenant',
    installation: 'the whole installation',
    limit: 'Limit',
    used: 'Used',
    resets: 'Frees up',
    none: 'Nothing limits its calls.',
    under_way: 'Under way',
    in_line: 'Waiting in line',
    of: '{{n}} of {{most}}',
    vendor: 'What the vendor says',
    vendor_about: 'Read from its own answers, and heeded.',
    waits: 'It asked to wait until {{at}}',
    remaining: '{{n}} more until {{at}}',
    history: 'Used by the hour',
    calls: 'Let through',
    refused: 'Refused by a limit',
    nothing: 'Nothing was used in this period.',
    chart: 'Calls that the limits let through and refused, by the hour',
    total: '{{calls}} let through, {{refused}} refused, {{bytes}}',
  },
  'pt-BR': {
    now: 'Em uso agora',
    now_about: 'Uma chamada consome de todos estes ou de nenhum.',
    change: 'Mudar os limites',
    level: 'De',
    operation: 'operação {{name}}',
    connection: 'esta conexão',
    tenant: 'todas as conexões da empresa',
    installation: 'toda a instalação',
    limit: 'Limite',
    used: 'Usado',
    resets: 'Libera',
    none: 'Nada limita as chamadas dela.',
    under_way: 'Em andamento',
    in_line: 'Esperando na fila',
    of: '{{n}} de {{most}}',
    vendor: 'O que o provedor diz',
    vendor_about: 'Lido das próprias respostas dele, e respeitado.',
    waits: 'Pediu para esperar até {{at}}',
    remaining: 'mais {{n}} até {{at}}',
    history: 'Uso por hora',
    calls: 'Liberadas',
    refused: 'Recusadas por limite',
    nothing: 'Nada foi usado neste período.',
    chart: 'Chamadas liberadas e recusadas pelos limites, por hora',
    total: '{{calls}} liberadas, {{refused}} recusadas, {{bytes}}',
  },
})

const EVERY_MS = 5_000

/** How much of its limits is used now, and was used by the hour. */
export function LimitsTab({ of }: { of: OneConnection }) {
  const read = useLimits(of.id, true, EVERY_MS)
  return (
    <Stack>
      <Shown read={read}>{(report) => <Now of={report} />}</Shown>
      <History id={of.id} />
    </Stack>
  )
}

function Now({ of }: { of: LimitsReport }) {
  const say = useText()
  return (
    <>
      <Stats
        of={[
          [say('under_way'), say('of', { n: number(of.under_way), most: number(of.concurrency) })],
          [say('in_line'), say('of', { n: number(of.in_line), most: number(of.queue) })],
        ]}
      />
      <Part
        title={say('now')}
        about={say('now_about')}
        actions={
          <Anchor component={Link} to="?tab=settings" size="sm">
            {say('change')}
          </Anchor>
        }
      >
        {of.rates.length === 0 ? <Text size="sm">{say('none')}</Text> : <Rates rates={of.rates} />}
      </Part>
      {of.vendor.length > 0 && (
        <Part title={say('vendor')} about={say('vendor_about')}>
          {of.vendor.map((said) => (
            <Vendor key={said.operation ?? ''} of={said} />
          ))}
        </Part>
      )}
    </>
  )
}

function Rates({ rates }: { rates: Rate[] }) {
  const say = useText()
  const names = useNames()
  const level = ({ level: name, operation }: Rate) =>
    operation === null ? say(name) : say('operation', { name: operation })
  return (
    <Table verticalSpacing="sm" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{say('level')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('limit')}</Table.Th>
          <Table.Th w="40%">{say('used')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('resets')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rates.map((rate) => (
          <Table.Tr key={`${rate.level} ${rate.operation} ${rate.unit} ${rate.per_s}`}>
            <Table.Td>{level(rate)}</Table.Td>
            <Table.Td visibleFrom="sm">
              {rate.unit === 'bytes' ? bytes(rate.limit) : number(rate.limit)} {periodName(names, rate.per_s)}
            </Table.Td>
            <Table.Td>
              <Bar rate={rate} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              {rate.resets_at === null ? '–' : <When at={rate.resets_at} exact />}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Vendor({ of }: { of: LimitsReport['vendor'][number] }) {
  const say = useText()
  const local = (at: string) => new Date(at).toLocaleTimeString()
  return (
    <Text size="sm">
      {of.operation && `${of.operation}: `}
      {of.paused_until !== null && say('waits', { at: local(of.paused_until) })}
      {of.remaining !== null &&
        of.resets_at !== null &&
        say('remaining', { n: number(of.remaining), at: local(of.resets_at) })}
    </Text>
  )
}

function History({ id }: { id: string }) {
  const say = useText()
  const range = useRange()
  const { from, to } = range
  const key = range.name === 'custom' ? [from, to] : []
  const read = useRead(['connections', 'usage', id, range.name, ...key], async () => {
    const { data } = await ask(
      api.GET('/v1/connections/{id}/limits/history', { params: { path: { id }, query: { from, to } } }),
    )
    return { from, to, hours: data }
  })
  return (
    <Part title={say('history')} actions={<RangePicker />}>
      <Shown read={read}>
        {(usage) =>
          usage.hours.length === 0 ? (
            <Text size="sm" c="dimmed">
              {say('nothing')}
            </Text>
          ) : (
            <Hours of={usage} />
          )
        }
      </Shown>
    </Part>
  )
}

type Hour = { hour: string; calls: number; bytes: number; refused: number }

function Hours({ of: { from, to, hours } }: { of: { from: string; to: string; hours: Hour[] } }) {
  const say = useText()
  const points = new Map(hours.map((hour) => [Date.parse(hour.hour), hour]))
  const data = everyStep({ from, to, step: 'hour' }, points).map(({ at, point }) => ({
    at,
    calls: point?.calls ?? 0,
    refused: point?.refused ?? 0,
  }))
  const sum = (name: 'calls' | 'bytes' | 'refused') => hours.reduce((total, hour) => total + hour[name], 0)
  return (
    <>
      <Chart
        kind="bar"
        stacked
        step="hour"
        height={220}
        format={(value) => number(value)}
        data={data}
        label={say('chart')}
        series={[
          { name: 'calls', label: say('calls'), color: 'cyan.6' },
          { name: 'refused', label: say('refused'), color: 'orange.5' },
        ]}
      />
      <Text size="xs" c="dimmed" mt="lg">
        {say('total', {
          calls: number(sum('calls')),
          refused: number(sum('refused')),
          bytes: bytes(sum('bytes')),
        })}
      </Text>
    </>
  )
}
