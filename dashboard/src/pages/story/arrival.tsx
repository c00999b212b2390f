import { Group, Paper, Spoiler, Text } from '@mantine/core'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { FromSource } from './details.tsx'
import { type Entry, useMessage, useQuarantined } from './reads.ts'
import { useText } from './text.ts'

/** The webhook a story began with, as it came. */
export function Arrival({ entry }: { entry: Pick<Entry, 'at' | 'kind' | 'id'> }) {
  const say = useText()
  return (
    <Paper withBorder p={{ base: 'sm', sm: 'lg' }} component="section" aria-label={say('came_in')}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{say('came_in')}</Text>
        <Text size="xs" c="dimmed">
          <When at={entry.at} exact />
        </Text>
      </Group>
      <Spoiler maxHeight={250} showLabel={say('show_all')} hideLabel={say('show_less')}>
        {entry.kind === 'received' ? <OfMessage id={entry.id} /> : <OfQuarantine id={entry.id} />}
      </Spoiler>
    </Paper>
  )
}

function OfMessage({ id }: { id: string }) {
  const read = useMessage(id)
  return <Shown read={read}>{(message) => <FromSource {...message} />}</Shown>
}

function OfQuarantine({ id }: { id: string }) {
  const read = useQuarantined(id)
  return <Shown read={read}>{(refused) => <FromSource {...refused} />}</Shown>
}
