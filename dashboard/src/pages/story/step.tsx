import { Box, Button, Collapse, Group, Stack, Text } from '@mantine/core'
import {
  IconArrowsExchange,
  IconBolt,
  IconChevronDown,
  IconChevronUp,
  IconCircleDot,
  IconCoin,
  IconMessage,
  IconSend,
  IconShieldX,
} from '@tabler/icons-react'
import { type ComponentType, useState } from 'react'
import { duration } from '../../parts/figures.ts'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { Details, hasDetails } from './details.tsx'
import { Mend } from './mend.tsx'
import type { Entry } from './reads.ts'
import { useText } from './text.ts'
import { spell } from './time.ts'

const ICONS: Record<string, ComponentType<{ size: number }>> = {
  message: IconMessage,
  quarantine: IconShieldX,
  event: IconBolt,
  delivery: IconSend,
  call: IconArrowsExchange,
  payment: IconCoin,
}

export function StepIcon({ kind }: { kind: string }) {
  const Icon = ICONS[kind] ?? IconCircleDot
  return <Icon size={15} />
}

type StepProps = { entry: Entry; began: string; is_open: boolean; is_subject: boolean }

/** One step: what it was, how it ended, how long it took and waited; more of it, and what mends it, at hand. */
export function Step({ entry, began, is_open: is_open_first, is_subject }: StepProps) {
  const say = useText()
  const [is_open, setOpen] = useState(is_open_first)
  const { at, kind, state, title, detail } = entry
  const Chevron = is_open ? IconChevronUp : IconChevronDown
  return (
    <Box>
      <Group justify="space-between" align="flex-start" gap="xs">
        <Group gap="xs">
          <Text fw={is_subject ? 700 : 600} style={{ wordBreak: 'break-word' }}>
            {title}
          </Text>
          <State of={state} />
        </Group>
        <Text size="xs" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {at !== began && `+${spell(new Date(at).getTime() - new Date(began).getTime())} · `}
          <When at={at} exact />
        </Text>
      </Group>
      <Spent entry={entry} />
      {detail && (
        <Text size="sm" c="dimmed" style={{ wordBreak: 'break-word' }}>
          {detail}
        </Text>
      )}
      <Group gap="xs" mt={6}>
        {hasDetails(kind) && (
          <Button
            size="compact-xs"
            variant="subtle"
            aria-expanded={is_open}
            rightSection={<Chevron size={14} />}
            onClick={() => setOpen(!is_open)}
          >
            {say(is_open ? 'hide' : 'details')}
          </Button>
        )}
        <Mend entry={entry} />
      </Group>
      <Collapse expanded={is_open}>
        <Stack mt="sm">{is_open && <Details entry={entry} />}</Stack>
      </Collapse>
    </Box>
  )
}

function Spent({ entry: { duration_ms, waited_ms } }: { entry: Entry }) {
  const say = useText()
  const parts = [
    ...(waited_ms ? [say('waited', { time: duration(waited_ms) })] : []),
    ...(duration_ms === null ? [] : [say('took', { time: duration(duration_ms) })]),
  ]
  if (parts.length === 0) return null
  return (
    <Text size="xs" c="dimmed">
      {parts.join(' · ')}
    </Text>
  )
}
