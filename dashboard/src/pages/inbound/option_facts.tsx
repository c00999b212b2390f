import { Card, Code, Stack, Text, Title } from '@mantine/core'
import { useProviders } from '../../api/names.ts'
import { type Fact, Facts } from '../../parts/facts.tsx'
import { bytes, number } from '../../parts/figures.ts'
import { Body } from '../../parts/json.tsx'
import type { Field } from '../connections/fields.ts'
import { useText as useOptionText } from './option_text.ts'
import type { OneSource } from './source.tsx'
import type { Options } from './source_draft.ts'
import { useText } from './source_text.ts'

/** How a source verifies, orders and answers, as it holds; what is free in form stays JSON. */
export function OptionFacts({ of }: { of: OneSource }) {
  const say = useText()
  const word = useOptionText()
  const options = of.options as Options
  return (
    <Card withBorder>
      <Stack>
        <Part title={say('settings')} of={useSettings(of)} />
        <Part title={word('wanted')} of={useWanted(options)} />
        <Part title={word('order')} of={useOrder(options)} />
        <Part title={word('door')} of={useDoor(options)} />
        <Part title={word('decisions')} of={useDecisions(options)} />
        <Free of={options} />
      </Stack>
    </Card>
  )
}

function Part({ title, of }: { title: string; of: Fact[] }) {
  if (of.length === 0) return null
  return (
    <div>
      <Title order={3} size="h6" mb={6}>
        {title}
      </Title>
      <Facts of={of} />
    </div>
  )
}

const list = (lines: string[]) =>
  lines.map((line) => (
    <Code key={line} mr={4}>
      {line}
    </Code>
  ))

/** Under the names of the provider's manifest; a field that nobody set is left out. */
function useSettings({ provider, settings }: OneSource): Fact[] {
  const word = useOptionText()
  const manifest = useProviders().find(({ id }) => id === provider)
  const fields = (manifest?.webhooks as { fields: Field[] } | null | undefined)?.fields ?? []
  const told = (value: unknown) => {
    if (typeof value === 'boolean') return word(value ? 'yes' : 'no')
    return typeof value === 'object' ? <Code>{JSON.stringify(value)}</Code> : String(value)
  }
  return Object.entries(settings as Record<string, unknown>).map(([key, value]) => ({
    name: fields.find((field) => field.key === key)?.label ?? key,
    value: told(value),
  }))
}

function useWanted({ event_types, duplicates }: Options) {
  const say = useText()
  const word = useOptionText()
  const { by, fields, window_hours } = duplicates
  return [
    { name: say('event_types'), value: event_types ? list(event_types) : word('any') },
    {
      name: say('duplicates'),
      value: (
        <>
          {say(`dup_${by}`)} {by === 'fields' && list(fields)}
        </>
      ),
    },
    {
      name: word('window'),
      value: window_hours === null ? word('window_kept') : `${number(window_hours)} ${word('hours')}`,
    },
  ]
}

function useOrder({ order, retry_schedule_s }: Options) {
  const say = useText()
  const word = useOptionText()
  const s = say('seconds')
  return [
    { name: say('order_by'), value: say(`order_${order.by}`) },
    { name: say('gap'), value: `${number(order.gap_timeout_s)} ${s}` },
    { name: say('on_failure'), value: say(`fail_${order.on_failure}`) },
    {
      name: word('skip_after'),
      value: order.on_failure === 'skip' && `${order.skip_after} ${word('attempts')}`,
    },
    { name: say('retry'), value: retry_schedule_s.map((wait) => `${number(wait)} ${s}`).join(', ') },
  ]
}

function useDoor(of: Options) {
  const say = useText()
  const word = useOptionText()
  const { rate_limit: rate } = of
  return [
    { name: say('allowed_ips'), value: of.allowed_ips ? list(of.allowed_ips) : word('any') },
    { name: say('methods'), value: list(of.methods) },
    {
      name: say('rate_requests'),
      value: rate ? word('limit_of', { n: number(rate.requests), s: number(rate.per_s) }) : say('rate_none'),
    },
    { name: word('access_token'), value: word(of.access_token ? 'yes' : 'no') },
    { name: say('body_limit'), value: bytes(of.body_limit_bytes) },
    { name: say('quarantine_limit'), value: number(of.quarantine_limit) },
    { name: say('encrypt'), value: word(of.encrypt_bodies ? 'yes' : 'no') },
  ]
}

function useDecisions({ decisions }: Options) {
  const word = useOptionText()
  return [
    { name: word('undecided'), value: word(decisions.undecided) },
    { name: word('unknown_card'), value: word(decisions.unknown_card) },
    { name: word('within'), value: `${number(decisions.within_ms)} ms` },
  ]
}

function Free({ of: { filter, mapping, schema, response } }: { of: Options }) {
  const say = useText()
  const word = useOptionText()
  const free: [string, unknown][] = [
    [say('filter'), filter],
    [say('mapping'), mapping.length > 0 ? mapping : null],
    [say('schema'), schema],
    [word('answer'), response],
  ]
  return free
    .filter(([, value]) => value !== null)
    .map(([name, value]) => (
      <div key={name}>
        <Text size="xs" c="dimmed">
          {name}
        </Text>
        <Body text={JSON.stringify(value)} />
      </div>
    ))
}
