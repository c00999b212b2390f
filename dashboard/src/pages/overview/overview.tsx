import { Button, SimpleGrid } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { AnswerOf } from '../../api/types.ts'
import { useCharts } from '../../parts/chart.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { RangePicker, useRange } from '../../parts/range.tsx'
import { Firing } from '../alerts/firing.tsx'
import { Attention } from './attention.tsx'
import { Cards } from './cards.tsx'
import { CallCharts, FlowChart } from './charts.tsx'
import { useText } from './text.ts'
import { Top } from './top.tsx'

export type Overview = AnswerOf<'/v1/overview'>

/** Beside what `live` tells, so that a quiet hour grows old too. */
const EVERY_MS = 30_000

/** How everything is right now, and what needs somebody. */
export function Component() {
  const say = useText()
  const { name, from, to } = useRange()
  const query = name === 'custom' ? { from, to } : { range: name }
  const read = useRead(['overview', query], () => ask(api.GET('/v1/overview', { params: { query } })), {
    every_ms: EVERY_MS,
  })
  useCharts()
  return (
    <Page title={say('title')} actions={<RangePicker />}>
      <Firing />
      <Shown read={read}>{(overview) => <Figures overview={overview} />}</Shown>
    </Page>
  )
}

function Figures({ overview }: { overview: Overview }) {
  const say = useText()
  const { connections, calls, inbound, outbound, step } = overview
  if (connections?.total === 0 && calls.total.calls === 0) {
    return (
      <Empty
        title={say('empty')}
        action={
          <Button component={Link} to="/connections/catalog">
            {say('connect')}
          </Button>
        }
      >
        {say('empty_about')}
      </Empty>
    )
  }
  return (
    <>
      <Attention overview={overview} />
      <Cards overview={overview} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <CallCharts calls={calls} step={step} />
        {inbound && <FlowChart flow={inbound} step={step} kind="inbound" to="/inbound" />}
        {outbound && <FlowChart flow={outbound} step={step} kind="outbound" to="/outbound/deliveries" />}
      </SimpleGrid>
      <Top list={calls.top_connections} />
    </>
  )
}
