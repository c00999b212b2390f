import { Text } from '@mantine/core'
import { money } from '../../parts/money.ts'
import type { Card } from './reads.ts'
import { useText } from './text.ts'

type Limits = Card['limits']

/** Each limit as a line of words; none where nothing is limited. */
export function useLimits(): (limits: Limits, currency: string) => string[] {
  const say = useText()
  return (limits, currency) => {
    const amounts = (limits.spending ?? []).map(({ amount, interval, categories }) =>
      [`${money({ amount, currency })} ${say(interval)}`, categories && `(${categories.join(', ')})`]
        .filter(Boolean)
        .join(' '),
    )
    const lists = (
      ['allowed_categories', 'blocked_categories', 'allowed_countries', 'blocked_countries'] as const
    ).flatMap((name) => (limits[name]?.length ? [`${say(name)}: ${limits[name].join(', ')}`] : []))
    return [...amounts, ...lists]
  }
}

/** The first limit, and how many more there are. */
export function LimitsInShort({ of }: { of: Card }) {
  const say = useText()
  const lines = useLimits()(of.limits, of.currency)
  const [first, ...more] = lines
  if (!first) return <>{say('no_limits')}</>
  return (
    <Text size="sm" truncate maw={240} title={lines.join('\n')}>
      {first}
      {more.length > 0 && ` +${more.length}`}
    </Text>
  )
}

export function LimitsWhole({ of, currency }: { of: Limits; currency: string }) {
  const lines = useLimits()(of, currency)
  return (
    <>
      {lines.map((line) => (
        <Text key={line} size="sm" component="span" display="block">
          {line}
        </Text>
      ))}
    </>
  )
}
