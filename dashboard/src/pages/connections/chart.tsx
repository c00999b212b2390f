import { BarChart } from '@mantine/charts'
import '@mantine/charts/styles.css'
import { number } from '../../parts/figures.ts'

export type Bar = { at: string } & Record<string, number | string>
export type Series = { name: string; label: string; color: string }

/** Counts over time, one bar for each step; loaded only where one is shown. */
export default function Chart({ data, series, label }: { data: Bar[]; series: Series[]; label: string }) {
  return (
    <div role="img" aria-label={label}>
      <BarChart
        h={220}
        data={data}
        dataKey="at"
        type="stacked"
        series={series}
        withLegend
        legendProps={{ verticalAlign: 'bottom' }}
        tickLine="none"
        gridAxis="y"
        valueFormatter={(value) => number(value)}
        barProps={{ isAnimationActive: false }}
        xAxisProps={{ minTickGap: 24 }}
      />
    </div>
  )
}
