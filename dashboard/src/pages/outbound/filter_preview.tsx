import { Alert, Card, Group, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCheck, IconMinus } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './form_text.ts'
import { isWanted } from './payload.ts'
import { readFilter } from './subscription_draft.ts'

const LOOKED_AT = 100
const SHOWN = 8
/** Tells which events were kept: a field no filter names. */
const MARK = '__trilho_at'

type PreviewProps = { filter: string; event_types: string[] }
type Event = { id: string; type: string; data: unknown; created_at: string }

/** The filter tried by the server itself on the last events of the wanted types, while it is typed. */
export function FilterPreview({ filter, event_types }: PreviewProps) {
  const say = useText()
  const may = useMay()
  const [typed] = useDebouncedValue(filter, 400)
  const past = useRead(['events', 'preview'], () =>
    ask(api.GET('/v1/events', { params: { query: { limit: String(LOOKED_AT) } } })),
  )
  const events = (past.data?.data ?? []).filter(({ type }) => isWanted(event_types, type)).slice(0, SHOWN)
  const where = parsed(typed)
  const kept = useRead(['preview', typed, ...events.map(({ id }) => id)], () => keptOf(where ?? {}, events), {
    enabled: where !== null && events.length > 0 && may('calls:write'),
  })
  if (!may('calls:write') || event_types.length === 0 || past.isPending) return null
  if (kept.error) return <Alert color="orange">{kept.error.message.replace('steps.0.where', 'filter')}</Alert>
  return (
    <Card withBorder>
      <Stack gap={6}>
        <Text size="sm" fw={600} aria-live="polite">
          {say('preview')}
          {kept.data && `: ${say('preview_sum', { kept: kept.data.size, all: events.length })}`}
        </Text>
        {events.length === 0 && (
          <Text size="sm" c="dimmed">
            {say('preview_none')}
          </Text>
        )}
        {events.map((event) => (
          <Line key={event.id} of={event} is_kept={kept.data ? kept.data.has(event.id) : null} />
        ))}
      </Stack>
    </Card>
  )
}

function Line({ of, is_kept }: { of: Event; is_kept: boolean | null }) {
  const say = useText()
  const Icon = is_kept ? IconCheck : IconMinus
  return (
    <Group gap="xs" wrap="nowrap">
      {is_kept !== null && (
        <Icon
          size={16}
          color={`var(--mantine-color-${is_kept ? 'teal' : 'gray'}-6)`}
          aria-label={say(is_kept ? 'would' : 'would_not')}
        />
      )}
      <To to={`/story/${of.id}`} ff="monospace" size="xs" lh="24px" truncate>
        {of.type}
      </To>
      <Text size="xs" c="dimmed" component="span">
        <When at={of.created_at} />
      </Text>
    </Group>
  )
}

async function keptOf(where: Record<string, unknown>, events: Event[]): Promise<Set<string>> {
  const input = events.map(({ data }, at) => ({ ...(data as object), [MARK]: at }))
  const { output, ok, errors } = await ask(
    api.POST('/v1/mappings/preview', { body: { steps: [{ kind: 'filter', where }], input } }),
  )
  if (!ok) throw new Error(errors.map(({ reason }) => reason).join('; '))
  return new Set((output as { [MARK]: number }[]).map((one) => events[one[MARK]]?.id ?? ''))
}

/** Null while it is not yet a JSON object. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    return readFilter(text) ?? {}
  } catch {
    return null
  }
}
