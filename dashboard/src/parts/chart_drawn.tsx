import '@mantine/charts/styles.layer.css'
import { AreaChart, BarChart, LineChart } from '@mantine/charts'
import { spoken } from '../text/text.ts'
import { type ChartProps, stepEnd } from './chart.tsx'

/** The lazily loaded half of `Chart`. */
export default function Drawn({ kind, data, series, stacked, step, format, pick, height }: ChartProps) {
  const common = {
    h: height ?? 200,
    data: data.map((point) => ({ ...point, shown: timeOf(point.at, step) })),
    dataKey: 'shown',
    series,
    valueFormatter: format,
    withDots: kind !== 'bar', // a point between two gaps would not be seen
    dotProps: { r: 2 },
    // A colour says nothing to who does not know whose it is.
    withLegend: series.length > 1,
    legendProps: { verticalAlign: 'bottom' as const, height: 30 },
    tickLine: 'none' as const,
    gridAxis: 'x' as const,
    strokeWidth: 2,
    yAxisProps: { width: 62, tickFormatter: format, allowDecimals: false },
    xAxisProps: { minTickGap: 40 },
    tooltipAnimationDuration: 0,
  }
  const drawn = {
    margin: { top: 10 }, // or the highest figure would stand below its line
    ...(pick && {
      style: { cursor: 'pointer' },
      onClick: ({ activeTooltipIndex }: { activeTooltipIndex?: number | string | null }) => {
        const point = data[Number(activeTooltipIndex ?? -1)]
        if (point) pick(point.at, stepEnd(point.at, step))
      },
    }),
  }
  const type = stacked ? 'stacked' : 'default'
  if (kind === 'bar') return <BarChart {...common} type={type} barChartProps={drawn} />
  if (kind === 'area')
    return <AreaChart {...common} type={type} curveType="monotone" areaChartProps={drawn} />
  return <LineChart {...common} curveType="monotone" lineChartProps={drawn} />
}

function timeOf(at: string, step: ChartProps['step']): string {
  const date = new Date(at)
  if (step === 'day')
    return date.toLocaleDateString(spoken(), { day: '2-digit', month: '2-digit', timeZone: 'UTC' })
  const time = date.toLocaleTimeString(spoken(), { hour: '2-digit', minute: '2-digit' })
  return step === 'hour'
    ? `${date.toLocaleDateString(spoken(), { day: '2-digit', month: '2-digit' })} ${time}`
    : time
}
