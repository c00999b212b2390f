import { Card, Group, Stack, Text, Title } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { duration } from '../../parts/figures.ts'
import { Body } from '../../parts/json.tsx'
import { useText } from './text.ts'

export type Step = {
  kind: string
  ok: boolean
  took_ms: number
  error?: string
  input?: unknown
  output?: unknown
}

/** Of a record, as text that was masked. */
const inWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** What a mapping did, step by step, on the way out and on the way back. */
export function Steps({ of }: { of: { in: Step[]; out: Step[] } }) {
  const say = useText()
  if (of.in.length + of.out.length === 0) return null
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {say('mapping')}
      </Title>
      {of.in.length > 0 && <Side title={say('in')} steps={of.in} />}
      {of.out.length > 0 && <Side title={say('out')} steps={of.out} />}
    </Stack>
  )
}

function Side({ title, steps }: { title: string; steps: Step[] }) {
  const say = useText()
  return (
    <Card withBorder>
      <Text size="sm" fw={600} mb="xs">
        {title}
      </Text>
      <Stack gap="xs">
        {steps[0]?.input !== undefined && (
          <div>
            <Text size="xs" c="dimmed">
              {say('given')}
            </Text>
            <Body text={inWords(steps[0].input)} />
          </div>
        )}
        {steps.map((step, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the steps of a mapping have no names and do not move
          <StepLine key={at} of={step} />
        ))}
      </Stack>
    </Card>
  )
}

function StepLine({ of }: { of: Step }) {
  const Icon = of.ok ? IconCheck : IconX
  return (
    <div>
      <Group gap="xs">
        <Icon
          size={16}
          color={`var(--mantine-color-${of.ok ? 'teal' : 'red'}-filled)`}
          aria-label={of.ok ? 'OK' : 'X'}
        />
        <Text size="sm" fw={500}>
          {of.kind}
        </Text>
        <Text size="xs" c="dimmed">
          {duration(of.took_ms)}
        </Text>
      </Group>
      {of.error && (
        <Text size="sm" c="red">
          {of.error}
        </Text>
      )}
      {of.output !== undefined && <Body text={inWords(of.output)} />}
    </div>
  )
}
