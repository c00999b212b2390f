import { Badge, Group, Text, ThemeIcon } from '@mantine/core'
import { IconCheck, IconCircleDot, IconX } from '@tabler/icons-react'
import { spoken } from '../../text/text.ts'
import { useConsentText } from './consent_text.ts'
import type { Consent } from './reads.ts'

const COLORS = {
  CREATING: 'blue',
  AWAITING_AUTHORISATION: 'yellow',
  AUTHORISED: 'teal',
  REJECTED: 'gray',
} as const satisfies Record<Consent['state'], string>

/** In our words; the bank's own stand in the API. */
export function ConsentBadge({ of: { state } }: { of: Consent }) {
  const say = useConsentText()
  return (
    <Badge variant="light" color={COLORS[state]} tt="none" fw={600} miw="max-content">
      {say(state)}
    </Badge>
  )
}

/** Until when it holds; nothing of one that is over. */
export function ConsentEnd({ of: { state, expires_at } }: { of: Consent }) {
  const say = useConsentText()
  if (state === 'REJECTED' || state === 'CREATING') return null
  if (expires_at === null) return <>{say('unending')}</>
  const end = new Date(expires_at)
  const when = end.toLocaleDateString(spoken(), { dateStyle: 'medium' })
  return (
    <time dateTime={expires_at} title={end.toISOString()}>
      {say(end.getTime() < Date.now() ? 'ended' : 'until', { when })}
    </time>
  )
}

const STEPS = ['CREATING', 'AWAITING_AUTHORISATION', 'AUTHORISED'] as const

/** The steps of a consent: those it went, the one it stands at, and where it ended if it did. */
export function ConsentSteps({ of }: { of: Consent }) {
  const say = useConsentText()
  const went = {
    CREATING: true,
    AWAITING_AUTHORISATION: of.vendor_id !== null,
    AUTHORISED: of.authorised_at !== null,
  }
  const is_over = of.state === 'REJECTED'
  const shown = is_over ? STEPS.filter((step) => went[step]) : STEPS
  return (
    <Group component="ol" gap="6px 24px" m={0} p={0} aria-label={say('steps')} style={{ listStyle: 'none' }}>
      {shown.map((step) => (
        <Step key={step} label={say(`step_${step}`)} is_done={went[step]} is_now={of.state === step} />
      ))}
      {is_over && <Step label={say('step_REJECTED')} is_done is_now is_end />}
    </Group>
  )
}

type StepProps = { label: string; is_done: boolean; is_now: boolean; is_end?: boolean }

function Step({ label, is_done, is_now, is_end = false }: StepProps) {
  const Icon = is_end ? IconX : is_now ? IconCircleDot : IconCheck
  return (
    <Group component="li" gap={6} wrap="nowrap" aria-current={is_now ? 'step' : undefined}>
      <ThemeIcon
        size={20}
        radius="xl"
        variant={is_done ? 'light' : 'default'}
        color={is_end ? 'gray' : is_now ? 'cyan' : 'teal'}
      >
        {is_done && <Icon size={14} aria-hidden />}
      </ThemeIcon>
      <Text size="sm" fw={is_now ? 600 : 400} c={is_done ? undefined : 'dimmed'}>
        {label}
      </Text>
    </Group>
  )
}
