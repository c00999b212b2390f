import { Avatar, Badge, Box, Center, Group, Progress, Text } from '@mantine/core'
import { useInViewport } from '@mantine/hooks'
import {
  IconBriefcase,
  IconBuildingBank,
  IconCreditCard,
  IconDatabase,
  IconMessage,
  IconPlug,
  IconShieldHalf,
  IconUsers,
} from '@tabler/icons-react'
import { short } from '../../parts/figures.ts'
import { State, useStateName } from '../../parts/state.tsx'
import { periodName, useNames } from './names.ts'
import { type Connection, nearest, type Rate, share, useBreaker, useLimits } from './reads.ts'

/** The small signs by which a connection is known at a glance. */

const ICONS: Record<string, typeof IconPlug> = {
  payments: IconCreditCard,
  banking: IconBuildingBank,
  messaging: IconMessage,
  crm: IconUsers,
  workplace: IconBriefcase,
  risk: IconShieldHalf,
  storage: IconDatabase,
  generic: IconPlug,
}

type SignProps = { name: string; category?: string | undefined; size?: number }

/**
 * In place of the vendor's logo, which is the vendor's: its letters, in a colour of its own, and what kind of vendor it
 * is. What is nobody's in particular has its kind alone.
 */
export function Sign({ name, category, size = 38 }: SignProps) {
  const letters = name.replace(/[^\p{L}\p{N} ]/gu, '')
  const Icon = ICONS[category ?? '']
  if (Icon && (category === 'generic' || category === 'storage')) {
    return (
      <Avatar color="gray" radius="md" size={size} aria-hidden>
        <Icon size={size * 0.55} />
      </Avatar>
    )
  }
  const sign = <Avatar name={letters} color="initials" radius="md" size={size} aria-hidden />
  if (!Icon) return sign
  return (
    <Box pos="relative" h={size} aria-hidden>
      {sign}
      <Center
        pos="absolute"
        bottom={-4}
        right={-4}
        w={size * 0.5}
        h={size * 0.5}
        bg="var(--mantine-color-body)"
        c="dimmed"
        bdrs="50%"
      >
        <Icon size={size * 0.36} />
      </Center>
    </Box>
  )
}

const BREAKER_COLORS = { closed: 'teal', open: 'red', half_open: 'yellow' } as const

type BreakerProps = {
  id: string
  /** Where it is known already; else it is read once the badge is seen. */
  state?: keyof typeof BREAKER_COLORS
  /** Where a heading says that it is of a breaker. */
  is_short?: boolean
}

export function BreakerBadge({ id, state, is_short = false }: BreakerProps) {
  const say = useNames()
  const stateName = useStateName()
  const { ref, inViewport } = useInViewport()
  const read = useBreaker(id, inViewport && state === undefined)
  const shown = state ?? read.data?.state
  return (
    <Box ref={ref} component="span" miw={1} mih={1} display="inline-flex">
      {shown && (
        <Badge
          variant={shown === 'closed' ? 'outline' : 'light'}
          color={BREAKER_COLORS[shown]}
          tt="none"
          miw="max-content"
        >
          {is_short ? stateName(shown) : say(`breaker_${shown}`)}
        </Badge>
      )}
    </Box>
  )
}

/** Whether it works, or that nobody may use it. */
export function HealthBadge({ of: { state, health } }: { of: Pick<Connection, 'state' | 'health'> }) {
  return <State of={state === 'disabled' ? 'paused' : health} />
}

/** How much of the tightest limit is used now; read once it is seen. */
export function LimitBar({ id }: { id: string }) {
  const say = useNames()
  const { ref, inViewport } = useInViewport()
  const { data } = useLimits(id, inViewport)
  const rate = data && nearest(data.rates)
  return (
    <Box ref={ref} mih={28}>
      {data && (rate ? <Bar rate={rate} /> : <Text size="xs">{say('no_limit')}</Text>)}
    </Box>
  )
}

export function Bar({ rate }: { rate: Rate }) {
  const say = useNames()
  const part = share(rate)
  const text = say('used_of', {
    used: short(rate.used),
    limit: short(rate.limit),
    period: periodName(say, rate.per_s),
  })
  return (
    <>
      <Group justify="space-between" gap={4} wrap="nowrap">
        <Text size="xs" c="dimmed" truncate>
          {text}
        </Text>
      </Group>
      <Progress
        value={part}
        size="sm"
        mt={4}
        color={part >= 90 ? 'red' : part >= 70 ? 'yellow' : 'cyan'}
        aria-label={text}
      />
    </>
  )
}
