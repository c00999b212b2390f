import {
  Alert,
  Card,
  Code,
  Group,
  Input,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
} from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Body } from '../../parts/json.tsx'
import { JsonField } from '../../parts/json_field.tsx'
import { isWanted, payloadOf, previewOf } from './payload.ts'
import { useText } from './payload_text.ts'
import type { SubscriptionForm } from './subscription_form.tsx'

const MONO = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }
const KINDS = ['as_is', 'template', 'expression'] as const

/** What is sent: the event as it is, or what a template or an expression makes of it; shown as it would leave. */
export function PayloadFields({ form, of }: { form: SubscriptionForm; of: Subscription | null }) {
  const say = useText()
  const { payload_kind } = form.values
  return (
    <Stack gap="xs">
      <Input.Wrapper
        label={say('payload')}
        description={say(`about_${payload_kind}`, { place: '{{path}}', place_id: '{{data.id}}' })}
      >
        <div>
          <SegmentedControl
            mt={6}
            size="xs"
            aria-label={say('payload')}
            data={KINDS.map((value) => ({ value, label: say(value) }))}
            {...form.getInputProps('payload_kind')}
          />
        </div>
      </Input.Wrapper>
      {payload_kind === 'template' && (
        <JsonField
          aria-label={say('template')}
          placeholder={'{ "text": "Paid: {{data.payment.money.amount}}" }'}
          autosize
          minRows={4}
          maxRows={18}
          spellCheck={false}
          styles={MONO}
          {...form.getInputProps('template')}
        />
      )}
      {payload_kind === 'expression' && (
        <Textarea
          aria-label={say('expression')}
          placeholder={'{ "kind": type, "paid": data.payment.money.amount }'}
          autosize
          minRows={3}
          maxRows={18}
          maxLength={10_000}
          spellCheck={false}
          styles={MONO}
          {...form.getInputProps('expression')}
        />
      )}
      <PayloadPreview form={form} of={of} />
    </Stack>
  )
}

/** Of which past event; where there was none yet the example of a type stands in. */
function useEvents(event_types: string[]) {
  const past = useRead(['events', 'preview'], () =>
    ask(api.GET('/v1/events', { params: { query: { limit: '100' } } })),
  )
  const catalog = useRead(['event_types'], () => ask(api.GET('/v1/event-types')))
  const events = (past.data?.data ?? []).filter(({ type }) => isWanted(event_types, type)).slice(0, 20)
  const types = (catalog.data?.data ?? [])
    .map(({ name }) => name)
    .filter((name) => isWanted(event_types, name))
  return { events, types: [...new Set(types)].slice(0, 40) }
}

function PayloadPreview({ form, of }: { form: SubscriptionForm; of: Subscription | null }) {
  const say = useText()
  const may = useMay()
  const { event_types } = form.values
  const { events, types } = useEvents(event_types)
  const [chosen, choose] = useState<string | null>(null)
  const [draft] = useDebouncedValue(form.values, 400)
  const about = chosen ?? events[0]?.id ?? types[0] ?? null
  const body = about === null || payloadOf(draft) === undefined ? null : previewOf(draft, of, about)
  const read = useRead(
    ['preview', 'payload', body],
    () => ask(api.POST('/v1/subscriptions/preview', { body: body ?? {} })),
    { enabled: body !== null && may('subscriptions:write') },
  )
  if (about === null || !may('subscriptions:write')) return null
  return (
    <Card withBorder p="sm">
      <Group justify="space-between" mb="xs" gap="xs">
        <Text size="sm" fw={600}>
          {say('preview')}
        </Text>
        <Select
          size="xs"
          w={{ base: '100%', sm: 320 }}
          aria-label={say('of_event')}
          allowDeselect={false}
          searchable
          value={about}
          onChange={choose}
          data={[
            {
              group: say('past'),
              items: events.map(({ id, type }) => ({ value: id, label: `${type} · ${id.slice(-6)}` })),
            },
            { group: say('examples'), items: types.map((name) => ({ value: name, label: name })) },
          ]}
        />
      </Group>
      <Seen read={read} />
    </Card>
  )
}

type Previewed = { body: string | null; error: string | null; missed_by: string | null }

function Seen({ read: { data, error } }: { read: { data: Previewed | undefined; error: Error | null } }) {
  const say = useText()
  if (error) return <Alert color="orange">{error.message}</Alert>
  if (!data) return null
  return (
    <Stack gap="xs" aria-live="polite">
      {data.missed_by && (
        <Text size="xs" c="dimmed">
          {say('missed')} <Code>{data.missed_by}</Code>
        </Text>
      )}
      {data.error && <Alert color="orange">{data.error}</Alert>}
      {data.body !== null && <Body text={data.body} />}
    </Stack>
  )
}
