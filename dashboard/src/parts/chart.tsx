import { Box, Skeleton, Text } from '@mantine/core'
import { lazy, Suspense, useEffect } from 'react'

export type ChartProps = {
  /** Said to who cannot see it. */
  label: string
  kind: 'line' | 'area' | 'bar'
  /** One point for each step of time; what was not measured is null. */
  data: ({ at: string } & Record<string, number | string | null>)[]
  series: { name: string; label: string; color: string }[]
  /** Stacks the series on each other, as parts of one whole. */
  stacked?: boolean
  step: 'five_minutes' | 'hour' | 'day'
  format: (value: number) => string
  /** A point was clicked: where it begins and ends. */
  pick?: (from: string, to: string) => void
  height?: number
}

// The code that draws is as large as all the rest: it comes when there is something to draw.
const load = () => import('./chart_drawn.tsx')
const Drawn = lazy(load)

/** Has that code fetched while the page's figures are still on their way. */
export const useCharts = (): void => useEffect(() => void load(), [])

const STEP_MS = { five_minutes: 300_000, hour: 3_600_000, day: 86_400_000 }

export const stepEnd = (at: string, step: ChartProps['step']): string =>
  new Date(new Date(at).getTime() + STEP_MS[step]).toISOString()

/** A chart over time, and its last figures in words for who cannot see it. */
export function Chart(props: ChartProps) {
  const height = props.height ?? 200
  return (
    <Box role="img" aria-label={`${props.label}: ${inWords(props)}`} h={height}>
      {props.data.length === 0 ? (
        <Text c="dimmed" size="sm" ta="center" pt={height / 2 - 10}>
          –
        </Text>
      ) : (
        <Suspense fallback={<Skeleton h={height} animate={false} />}>
          <Drawn {...props} height={height} />
        </Suspense>
      )}
    </Box>
  )
}

function inWords({ data, series, format, stacked }: ChartProps): string {
  return series
    .map(({ name, label }) => {
      const values = data.map((point) => point[name]).filter((value) => typeof value === 'number')
      const shown = stacked ? values.reduce((sum, value) => sum + value, 0) : (values.at(-1) ?? 0)
      return `${label} ${format(shown)}`
    })
    .join(', ')
}
