import { Anchor, Group, Stack, Text, Tooltip } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { duration } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { spoken, texts } from '../../text/text.ts'
import type { HealthCheck, OneConnection } from './reads.ts'
import { Part } from './stat.tsx'

const useText = texts('health_history', {
  en: {
    title: 'Health checks',
    since: 'since',
    checks: 'Last checks ({{n}}), oldest first: {{well}} well, {{slow}} slow, {{failed}} failed',
    none: 'No checks yet; the first one is made within minutes.',
    off: 'They are off. They are switched on under Health checks.',
    well: 'well',
    slow: 'slow',
    failed: 'failed',
    last: 'Last trouble',
  },
  'pt-BR': {
    title: 'Verificações de saúde',
    since: 'desde',
    checks:
      'As últimas {{n}} verificações, da mais antiga à mais nova: {{well}} boas, {{slow}} lentas, {{failed}} com falha',
    none: 'Nenhuma verificação ainda; a primeira é feita em minutos.',
    off: 'Estão desligadas. São ligadas em Verificações.',
    well: 'boa',
    slow: 'lenta',
    failed: 'falhou',
    last: 'Último problema',
  },
})

const SHOWN = 90
const EVERY_MS = 30_000
const COLORS: Record<HealthCheck['result'], string> = {
  well: 'var(--mantine-color-teal-6)',
  slow: 'var(--mantine-color-yellow-6)',
  failed: 'var(--mantine-color-red-6)',
}
/** Told apart by height too. */
const HEIGHTS: Record<HealthCheck['result'], number> = { well: 28, slow: 20, failed: 12 }

export const useHealth = (id: string) =>
  useRead(
    ['connections', 'health', id],
    () => ask(api.GET('/v1/connections/{id}/health', { params: { path: { id } } })),
    { every_ms: EVERY_MS },
  )

/** What the scheduled checks found lately. */
export function HealthHistory({ of }: { of: OneConnection }) {
  const say = useText()
  const health = useHealth(of.id)
  const read = useRead(
    ['connections', 'checks', of.id, 'latest'],
    () =>
      ask(
        api.GET('/v1/connections/{id}/health/checks', {
          params: { path: { id: of.id }, query: { limit: String(SHOWN) } },
        }),
      ),
    { every_ms: EVERY_MS },
  )
  return (
    <Part
      title={say('title')}
      actions={
        health.data && (
          <Group gap={6}>
            <State of={health.data.status} />
            <Text size="xs" c="dimmed">
              {say('since')} <When at={health.data.since} />
            </Text>
          </Group>
        )
      }
    >
      <Shown read={read}>
        {({ data }) => <Strip checks={data} is_on={health.data?.checks.every_s !== null} />}
      </Shown>
    </Part>
  )
}

function Strip({ checks, is_on }: { checks: HealthCheck[]; is_on: boolean }) {
  const say = useText()
  if (checks.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {say(is_on ? 'none' : 'off')}
      </Text>
    )
  }
  const count = (result: HealthCheck['result']) => checks.filter((one) => one.result === result).length
  const summary = say('checks', {
    n: checks.length,
    well: count('well'),
    slow: count('slow'),
    failed: count('failed'),
  })
  const trouble = checks.find(({ result }) => result !== 'well')
  return (
    <Stack gap="xs">
      <Group
        gap={2}
        align="flex-end"
        h={30}
        wrap="nowrap"
        style={{ overflow: 'hidden' }}
        role="img"
        aria-label={summary}
      >
        {[...checks].reverse().map((check) => (
          <Tooltip
            key={check.id}
            label={`${timeOf(check)} · ${say(check.result)} · ${duration(check.latency_ms)}`}
          >
            <div
              style={{
                flex: '1 1 4px',
                maxWidth: 10,
                height: HEIGHTS[check.result],
                borderRadius: 2,
                background: COLORS[check.result],
              }}
            />
          </Tooltip>
        ))}
      </Group>
      <Text size="xs" c="dimmed">
        {summary}
      </Text>
      {trouble && (
        <Text size="sm">
          {say('last')}: <When at={trouble.checked_at} /> · {trouble.note ?? say(trouble.result)}{' '}
          {trouble.call_id && (
            <Anchor component={Link} to={`/calls/${trouble.call_id}`} size="sm">
              {trouble.call_id.slice(0, 8)}…
            </Anchor>
          )}
        </Text>
      )}
    </Stack>
  )
}

const timeOf = ({ checked_at }: HealthCheck): string => new Date(checked_at).toLocaleString(spoken())
