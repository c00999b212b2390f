import { Group, Select, SimpleGrid, Switch } from '@mantine/core'
import { useSearchParams } from 'react-router'
import { useConnections } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { useFilters } from '../../parts/filters.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { RangePicker } from '../../parts/range.tsx'
import { FlowChart } from '../overview/charts.tsx'
import { Top } from '../overview/top.tsx'
import { CallCharts } from './charts.tsx'
import { ErrorsByKind } from './errors.tsx'
import { Headline } from './headline.tsx'
import { HealthOfAll } from './health.tsx'
import { LimitChart } from './limit_chart.tsx'
import { type Overview, useCalls, useOverview } from './reads.ts'
import { useText } from './text.ts'
import { ReceivedByType, SentByType } from './types.tsx'

/** How calls and webhooks did over time, beside the period before; all of it in the address. */
export function Component() {
  const say = useText()
  const read = useOverview()
  const filters = useFilters(['connection_id'])
  return (
    <Page title={say('title')} about={say('click')} actions={<RangePicker />}>
      <Group justify="space-between">
        <ConnectionChoice
          value={filters.set.connection_id ?? null}
          onChange={(id) => filters.change('connection_id', id)}
        />
        <CompareSwitch />
      </Group>
      <Shown read={read}>
        {(overview) => <Charts overview={overview} connection_id={filters.set.connection_id} />}
      </Shown>
    </Page>
  )
}

/** Compared unless the address says otherwise. */
function useCompared(): boolean {
  const [params] = useSearchParams()
  return params.get('compare') !== '0'
}

function CompareSwitch() {
  const say = useText()
  const is_compared = useCompared()
  const [, setParams] = useSearchParams()
  const toggle = () =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        is_compared ? next.set('compare', '0') : next.delete('compare')
        return next
      },
      { replace: true },
    )
  return <Switch size="sm" label={say('compare')} checked={is_compared} onChange={toggle} />
}

type ChoiceProps = { value: string | null; onChange: (id: string | null) => void }

function ConnectionChoice({ value, onChange }: ChoiceProps) {
  const say = useText()
  const connections = useConnections()
  return (
    <Select
      size="xs"
      w={240}
      searchable
      clearable
      aria-label={say('connection')}
      placeholder={say('connection')}
      data={connections.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
    />
  )
}

type ChartsProps = { overview: Overview; connection_id: string | undefined }

function Charts({ overview, connection_id }: ChartsProps) {
  const say = useText()
  const may = useMay()
  const is_compared = useCompared()
  const read = useCalls(overview, connection_id)
  const { inbound, outbound, step, calls: all, connections } = overview
  const is_whole = connection_id === undefined
  const is_quiet = !inbound?.total.count && !outbound?.total.count
  return (
    <Shown read={read}>
      {(calls) =>
        calls.total.calls === 0 && is_quiet ? (
          <Empty title={say('empty')}>{say('empty_about')}</Empty>
        ) : (
          <>
            <Headline calls={calls} />
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
              <CallCharts calls={calls} is_compared={is_compared} connection_id={connection_id} />
              <ErrorsByKind errors={calls.total.errors} connection_id={connection_id} />
              <LimitChart overview={overview} connection_id={connection_id} />
              {is_whole && inbound && <FlowChart flow={inbound} step={step} kind="inbound" to="/inbound" />}
              {is_whole && outbound && (
                <FlowChart flow={outbound} step={step} kind="outbound" to="/outbound/deliveries" />
              )}
              {is_whole && inbound && may('sources:read') && <ReceivedByType overview={overview} />}
              {is_whole && outbound && <SentByType overview={overview} />}
              {is_whole && connections && <HealthOfAll of={connections} />}
            </SimpleGrid>
            {is_whole && <Top list={all.top_connections} />}
          </>
        )
      }
    </Shown>
  )
}
