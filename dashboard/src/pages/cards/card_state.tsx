import { Badge, Text } from '@mantine/core'
import { State } from '../../parts/state.tsx'
import { REASONS } from './reads.ts'
import { useText } from './text.ts'

type Standing = { status: string; reason?: string | null }

/** How a card stands, and why where that is known. */
export function CardState({ of: { status, reason } }: { of: Standing }) {
  const why = useReason()
  return (
    <>
      <CardStatus of={status} />
      {reason && (
        <Text size="xs" c="dimmed">
          {why(reason)}
        </Text>
      )}
    </>
  )
}

/** A card that is inactive was not paused: it waits for being activated. */
function CardStatus({ of }: { of: string }) {
  const say = useText()
  if (of !== 'inactive') return <State of={of} />
  return (
    <Badge variant="light" color="gray" tt="none" fw={600} miw="max-content">
      {say('inactive')}
    </Badge>
  )
}

export function useReason(): (reason: string) => string {
  const say = useText()
  return (reason) => {
    const known = [...REASONS, 'vendor' as const].find((one) => one === reason)
    return known ? say(known) : reason
  }
}
