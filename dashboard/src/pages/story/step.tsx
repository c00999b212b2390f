import { Box, Button, Collapse, Group, Text } from '@mantine/core'
import {
  IconArrowsExchange,
  IconBolt,
  IconChevronDown,
  IconChevronUp,
  IconCircleDot,
  IconMessage,
  IconMessageCheck,
  IconRepeat,
  IconSend,
  IconShieldX,
  IconStack2,
} from '@tabler/icons-react'
import { type ComponentType, useState } from 'react'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { Details } from './details.tsx'
import { Mend } from './mend.tsx'
import { useText } from './text.ts'
import { spell } from './time.ts'
import type { Step as StepOf } from './told.ts'
import { useSpoken } from './words.ts'

const ICONS: Record<string, ComponentType<{ size: number }>> = {
  refused: IconShieldX,
  received: IconMessage,
  processed: IconMessageCheck,
  event: IconBolt,
  delivery: IconSend,
  attempt: IconRepeat,
  call: IconArrowsExchange,
  call_attempt: IconRepeat,
  batch: IconStack2,
}

export function StepIcon({ kind }: { kind: string }) {
  const Icon = ICONS[kind] ?? IconCircleDot
  return <Icon size={15} />
}

type StepProps = { step: StepOf; began: string; is_open: boolean; is_subject: boolean }

/** One step: what it was, how it ended, how long it took and waited; more of it, and what mends it, at hand. */
export function Step({ step, began, is_open: is_open_first, is_subject }: StepProps) {
  const say = useText()
  const spoken = useSpoken()
  const [is_open, setOpen] = useState(is_open_first)
  const Chevron = is_open ? IconChevronUp : IconChevronDown
  const detail = spoken.detail(step)
  const is_state_news = step.kind !== 'event' && step.state !== 'received'
  return (
    <Box>
      <Group justify="space-between" align="flex-start" gap={4}>
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            {spoken.kind(step)}
          </Text>
          <Text fw={is_subject ? 700 : 600} style={{ overflowWrap: 'anywhere' }}>
            {spoken.title(step.title)}
          </Text>
          {is_state_news && <State of={step.state} />}
          {step.status !== null && (
            <Text size="sm" c="dimmed">
              HTTP {step.status}
            </Text>
          )}
        </Group>
        <Text size="xs" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {step.at !== began && `+${spell(new Date(step.at).getTime() - new Date(began).getTime())} · `}
          <When at={step.at} exact />
        </Text>
      </Group>
      <Spent text={spoken.spent(step)} />
      {detail && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {detail}
        </Text>
      )}
      <Group gap="xs" mt={4}>
        <Button
          size="compact-xs"
          variant="subtle"
          ml={-8}
          aria-expanded={is_open}
          rightSection={<Chevron size={14} />}
          onClick={() => setOpen(!is_open)}
        >
          {say(is_open ? 'hide' : 'details')}
        </Button>
        <Mend step={step} />
      </Group>
      <Collapse expanded={is_open}>
        <Box mt="sm">{is_open && <Details step={step} />}</Box>
      </Collapse>
    </Box>
  )
}

function Spent({ text }: { text: string }) {
  if (text === '') return null
  return (
    <Text size="xs" c="dimmed">
      {text}
    </Text>
  )
}
