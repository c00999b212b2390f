import { Badge, Text } from '@mantine/core'
import { number } from '../../parts/figures.ts'
import type { Sync } from './reads.ts'
import { useSyncText } from './sync_text.ts'

const COLORS = {
  queued: 'blue',
  running: 'blue',
  succeeded: 'teal',
  failed: 'red',
  skipped: 'yellow',
} as const satisfies Record<Sync['state'], string>

export function SyncBadge({ of: { state } }: { of: Pick<Sync, 'state'> }) {
  const say = useSyncText()
  return (
    <Badge variant="light" color={COLORS[state]} tt="none" fw={600} miw="max-content">
      {say(state)}
    </Badge>
  )
}

/** What it brought, or why it did not, in the server's words. */
export function SyncResult({ of }: { of: Sync }) {
  const say = useSyncText()
  if (of.ended_at === null) return null
  const counts = {
    imported: number(of.imported),
    updated: number(of.updated),
    removed: number(of.removed),
    skipped: number(of.skipped),
  }
  return (
    <Text size="sm" component="span" title={of.error ?? undefined}>
      {of.message ?? say('counts', counts)}
    </Text>
  )
}
