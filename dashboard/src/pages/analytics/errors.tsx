import { Anchor, Group, Progress, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { number } from '../../parts/figures.ts'
import { useRange } from '../../parts/range.tsx'
import { Panel } from './panel.tsx'
import { inAddress } from './reads.ts'
import { useText } from './text.ts'

const MOST = 8

type ErrorsProps = { errors: Record<string, number>; connection_id: string | undefined }

/** What was wrong, the most frequent first; each leads to its calls. */
export function ErrorsByKind({ errors, connection_id }: ErrorsProps) {
  const say = useText()
  const range = useRange()
  const kinds = Object.entries(errors).sort(([, a], [, b]) => b - a)
  const most = kinds[0]?.[1] ?? 1
  const leadsTo = (kind: string): string => {
    const status = /^status_(\d{3})$/.exec(kind)?.[1]
    const of: Record<string, string> = status ? { status } : { state: 'failed' }
    return `/calls?${new URLSearchParams({ ...inAddress(range), ...of, ...(connection_id && { connection_id }) })}`
  }
  return (
    <Panel title={say('errors_by')}>
      {kinds.length === 0 && (
        <Text size="sm" c="dimmed">
          {say('no_errors')}
        </Text>
      )}
      <Stack gap="xs">
        {kinds.slice(0, MOST).map(([kind, count]) => (
          <div key={kind}>
            <Group justify="space-between" mb={2}>
              <Anchor component={Link} to={leadsTo(kind)} size="sm" ff="monospace">
                {kind}
              </Anchor>
              <Text size="sm" style={{ fontVariantNumeric: 'tabular-nums' }}>
                {number(count)}
              </Text>
            </Group>
            <Progress value={(count * 100) / most} color="red.6" size="sm" aria-label={kind} />
          </div>
        ))}
      </Stack>
    </Panel>
  )
}
