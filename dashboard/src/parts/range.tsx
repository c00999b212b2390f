import { Group, SegmentedControl, TextInput } from '@mantine/core'
import { useSearchParams } from 'react-router'
import { texts } from '../text/text.ts'

export const RANGES = ['1h', '24h', '7d', '30d'] as const
export type RangeName = (typeof RANGES)[number] | 'custom'
export type Range = { name: RangeName; from: string; to: string }

const HOURS: Record<(typeof RANGES)[number], number> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 }

const useText = texts('range', {
  en: { range: 'Period', all: 'All', custom: 'Custom', from: 'From', to: 'To' },
  'pt-BR': { range: 'Período', all: 'Tudo', custom: 'Outro', from: 'De', to: 'Até' },
})

/** The period that is looked at, kept in the address: a link shows the same to everybody. */
export function useRange(): Range {
  const [params] = useSearchParams()
  const name = (params.get('range') ?? '24h') as RangeName
  const minute = Math.floor(Date.now() / 60_000) * 60_000 // steady, or each drawing would ask anew
  if (name === 'custom') {
    const to = params.get('to') ?? new Date(minute).toISOString()
    return { name, from: params.get('from') ?? new Date(minute - 86_400_000).toISOString(), to }
  }
  const hours = HOURS[name] ?? 24
  return {
    name: name in HOURS ? name : '24h',
    from: new Date(minute - hours * 3_600_000).toISOString(),
    to: new Date(minute).toISOString(),
  }
}

/** What a list of a period is asked by: one that ends now has no end, or what is newest would be outside of it. */
export function useSpan<Name extends string>(since: Name, until: Name) {
  const { name, from, to } = useRange()
  const asked = { [since]: from, ...(name === 'custom' && { [until]: to }) } as Partial<Record<Name, string>>
  return { asked, key: name === 'custom' ? [from, to] : [name] }
}

/** As `useSpan`, of a list that shows all there is until a period is chosen. */
export function useSpanOrAll<Name extends string>(since: Name, until: Name) {
  const span = useSpan(since, until)
  return useIsRanged() ? span : { asked: {} as typeof span.asked, key: ['all'] }
}

const useIsRanged = (): boolean => useSearchParams()[0].has('range')

const ALL = { range: null, from: null, to: null }

/** `or_all`: of a list that shows all there is until a period is chosen. */
export function RangePicker({ or_all = false }: { or_all?: boolean }) {
  const say = useText()
  const range = useRange()
  const is_all = !useIsRanged() && or_all
  const [, setParams] = useSearchParams()
  const set = (changes: Record<string, string | null>) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        for (const [name, value] of Object.entries(changes))
          value === null ? next.delete(name) : next.set(name, value)
        return next
      },
      { replace: true },
    )
  const choose = (name: string) => {
    if (name === 'all') return set(ALL)
    set(name === 'custom' ? { range: name, from: range.from, to: range.to } : { range: name })
  }
  const field = (name: 'from' | 'to') => (
    <TextInput
      type="datetime-local"
      size="xs"
      aria-label={say(name)}
      value={toLocal(range[name])}
      onChange={({ currentTarget: { value } }) => value && set({ [name]: new Date(value).toISOString() })}
    />
  )
  return (
    <Group gap="xs">
      <SegmentedControl
        size="xs"
        aria-label={say('range')}
        value={is_all ? 'all' : range.name}
        onChange={choose}
        data={[
          ...(or_all ? [{ value: 'all', label: say('all') }] : []),
          ...RANGES.map((name) => ({
            value: name as string,
            label: name.replace('h', ' h').replace('d', ' d'),
          })),
          { value: 'custom', label: say('custom') },
        ]}
      />
      {range.name === 'custom' && field('from')}
      {range.name === 'custom' && field('to')}
    </Group>
  )
}

/** As a field of date and time wants it, in local time. */
function toLocal(iso: string): string {
  const date = new Date(iso)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
