import { ActionIcon, Button, Group, NumberInput, Progress, Select, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import type { AnswerOf } from '../../api/types.ts'
import { bytes, number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { LiveOnly, useIsLive } from './live_only.tsx'
import { Section } from './section.tsx'

const useText = texts('settings_limits', {
  en: {
    now: 'What is used now',
    now_about: 'Of all calls of this company together; each connection has limits of its own.',
    none: 'Nothing limits this company as a whole.',
    of: '{{used}} of {{limit}}',
    resets: 'Oldest ends counting',
    installation: 'The whole installation',
    set: 'Limits of this company',
    set_about: 'Never more in any period of this length. A call takes from every limit or from none.',
    amount: 'At most',
    unit: 'Of',
    calls: 'Calls',
    bytes: 'Bytes',
    period: 'In any',
    second: 'second',
    minute: 'minute',
    hour: 'hour',
    day: 'day',
    seconds: '{{n}} s',
    add: 'Add a limit',
    drop: 'Remove this limit',
    saved: 'The limits hold now.',
  },
  'pt-BR': {
    now: 'O que está em uso agora',
    now_about: 'De todas as chamadas desta empresa juntas; cada conexão tem seus próprios limites.',
    none: 'Nada limita esta empresa como um todo.',
    of: '{{used}} de {{limit}}',
    resets: 'O mais antigo deixa de contar',
    installation: 'Toda a instalação',
    set: 'Limites desta empresa',
    set_about:
      'Nunca mais em qualquer período desse tamanho. Uma chamada conta em todos os limites ou em nenhum.',
    amount: 'No máximo',
    unit: 'De',
    calls: 'Chamadas',
    bytes: 'Bytes',
    period: 'Em qualquer',
    second: 'segundo',
    minute: 'minuto',
    hour: 'hora',
    day: 'dia',
    seconds: '{{n}} s',
    add: 'Adicionar limite',
    drop: 'Remover este limite',
    saved: 'Os limites já valem.',
  },
})

type Rate = AnswerOf<'/v1/limits'>['rates'][number]

const PERIODS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const
const EVERY_MS = 10_000

/** Limits of the tenant as a whole: what is used of them, and what they are. */
export function Limits() {
  const may = useMay()
  const read = useRead(['limits'], () => ask(api.GET('/v1/limits')), { every_ms: EVERY_MS })
  return (
    <Shown read={read}>
      {({ rates }) => (
        <>
          <Used rates={rates} />
          {may('tenants:write') && <SetLimits rates={rates.filter(({ level }) => level === 'tenant')} />}
        </>
      )}
    </Shown>
  )
}

function usePeriod(): (per_s: number) => string {
  const say = useText()
  return (per_s) => {
    const name = (Object.keys(PERIODS) as (keyof typeof PERIODS)[]).find((one) => PERIODS[one] === per_s)
    return name ? say(name) : say('seconds', { n: per_s })
  }
}

function Used({ rates }: { rates: Rate[] }) {
  const say = useText()
  return (
    <Section title={say('now')} about={say('now_about')} w={720}>
      {rates.length === 0 && (
        <Text size="sm" c="dimmed">
          {say('none')}
        </Text>
      )}
      <Stack gap="md">
        {rates.map((rate) => (
          <UsedOne key={`${rate.level} ${rate.unit} ${rate.per_s} ${rate.limit}`} rate={rate} />
        ))}
      </Stack>
    </Section>
  )
}

function UsedOne({ rate: { level, unit, limit, used, per_s, resets_at } }: { rate: Rate }) {
  const say = useText()
  const period = usePeriod()
  const share = limit === 0 ? 100 : Math.min(100, (used * 100) / limit)
  const shown = unit === 'bytes' ? bytes : number
  const name = `${say(unit)} · ${period(per_s)}${level === 'installation' ? ` · ${say('installation')}` : ''}`
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500}>
          {name}
        </Text>
        <Text size="sm" c="dimmed">
          {say('of', { used: shown(used), limit: shown(limit) })}
          {resets_at && (
            <>
              {' · '}
              {say('resets')} <When at={resets_at} />
            </>
          )}
        </Text>
      </Group>
      <Progress
        value={share}
        color={share >= 90 ? 'red' : share >= 70 ? 'yellow' : 'teal'}
        aria-label={name}
      />
    </div>
  )
}

type Line = { amount: number; unit: string; per_s: string }

function SetLimits({ rates }: { rates: Rate[] }) {
  const say = useText()
  const word = useWords()
  const period = usePeriod()
  const is_live = useIsLive()
  const form = useForm<{ lines: Line[] }>({
    initialValues: {
      lines: rates.map(({ limit, unit, per_s }) => ({ amount: limit, unit, per_s: String(per_s) })),
    },
  })
  const save = useAct({
    act: async ({ lines }: { lines: Line[] }) => {
      await ask(api.PUT('/v1/limits', { body: { rates: lines.map(toRate) } }))
      form.resetDirty()
    },
    done: say('saved'),
    changes: ['limits', 'audit'],
  })
  const periods = (now: string) => [...new Set([...Object.values(PERIODS).map(String), now])]
  return (
    <Section title={say('set')} about={say('set_about')} w={720}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="sm">
          <LiveOnly />
          {form.values.lines.map(({ per_s }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a limit has no name but its place
            <Group key={at} align="flex-end" gap="xs">
              <NumberInput
                label={say('amount')}
                min={1}
                max={1e12}
                allowDecimal={false}
                thousandSeparator=" "
                required
                w={140}
                {...form.getInputProps(`lines.${at}.amount`)}
              />
              <Select
                label={say('unit')}
                allowDeselect={false}
                w={140}
                data={(['calls', 'bytes'] as const).map((value) => ({ value, label: say(value) }))}
                {...form.getInputProps(`lines.${at}.unit`)}
              />
              <Select
                label={say('period')}
                allowDeselect={false}
                w={130}
                data={periods(per_s).map((value) => ({ value, label: period(Number(value)) }))}
                {...form.getInputProps(`lines.${at}.per_s`)}
              />
              <ActionIcon
                variant="subtle"
                color="red"
                size="lg"
                aria-label={say('drop')}
                onClick={() => form.removeListItem('lines', at)}
              >
                <IconTrash size={16} />
              </ActionIcon>
            </Group>
          ))}
          <Group justify="space-between">
            <Button
              variant="light"
              size="xs"
              leftSection={<IconPlus size={14} />}
              onClick={() => form.insertListItem('lines', { amount: 1_000, unit: 'calls', per_s: '60' })}
            >
              {say('add')}
            </Button>
            <Button type="submit" disabled={!form.isDirty() || !is_live} loading={save.isPending}>
              {word('save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

const toRate = ({ amount, unit, per_s }: Line) => ({
  ...(unit === 'bytes' ? { bytes: Number(amount) } : { calls: Number(amount) }),
  per_s: Number(per_s),
})
