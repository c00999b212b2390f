import { Anchor, Button, Group, NumberInput, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { duration } from '../../parts/figures.ts'
import { JsonField } from '../../parts/json_field.tsx'
import { Shown } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { useHealth } from './health_history.tsx'
import type { HealthCheck, OneConnection } from './reads.ts'
import { Part } from './stat.tsx'
import { useRights } from './world.ts'

const useText = texts('connection_checks', {
  en: {
    settings: 'How the vendor is checked',
    settings_about: 'One read on a schedule. One bad answer is a warning, three in a row an outage.',
    on: 'Check on a schedule',
    every_s: 'Every (seconds)',
    timeout_ms: 'Too late after (milliseconds)',
    path: 'Path',
    path_about: "Read by GET. Empty: the provider's own test",
    path_wrong: 'Begins with /',
    statuses: 'Statuses that are well',
    statuses_about: 'Empty: any 2xx',
    statuses_wrong: 'Each is a number from 100 to 599',
    answer: 'What its JSON is to say',
    answer_about: 'By the operators of a filter, such as {"status": "UP"}. Empty: anything',
    answer_wrong: 'Has to be a JSON object',
    saved: 'Saved. The next check is made at once.',
    history: 'Checks',
    when: 'When',
    result: 'Result',
    took: 'Took',
    note: 'Note',
    call: 'Call',
    see: 'See',
    none: 'No checks yet.',
  },
  'pt-BR': {
    settings: 'Como o provedor é verificado',
    settings_about: 'Uma leitura agendada. Uma resposta ruim é um aviso; três seguidas, uma queda.',
    on: 'Verificar em intervalos',
    every_s: 'A cada (segundos)',
    timeout_ms: 'Tarde demais após (milissegundos)',
    path: 'Caminho',
    path_about: 'Lido por GET. Vazio: o teste do próprio provedor',
    path_wrong: 'Começa com /',
    statuses: 'Status que são bons',
    statuses_about: 'Vazio: qualquer 2xx',
    statuses_wrong: 'Cada um é um número de 100 a 599',
    answer: 'O que o JSON deve dizer',
    answer_about: 'Com os operadores de um filtro, como {"status": "UP"}. Vazio: qualquer coisa',
    answer_wrong: 'Tem que ser um objeto JSON',
    saved: 'Salvo. A próxima verificação é feita agora.',
    history: 'Verificações',
    when: 'Quando',
    result: 'Resultado',
    took: 'Duração',
    note: 'Observação',
    call: 'Chamada',
    see: 'Ver',
    none: 'Nenhuma verificação ainda.',
  },
})

/** How the vendor is checked, and what was found. */
export function ChecksTab({ of }: { of: OneConnection }) {
  const say = useText()
  const read = useHealth(of.id)
  return (
    <Stack>
      <Part title={say('settings')} about={say('settings_about')}>
        <Shown read={read}>{({ checks }) => <Settings of={of} checks={checks} />}</Shown>
      </Part>
      <Part title={say('history')}>
        <History id={of.id} />
      </Part>
    </Stack>
  )
}

type Checks = {
  every_s: number | null
  timeout_ms: number
  path: string | null
  statuses: number[] | null
  answer: Record<string, unknown> | null
}
const USUAL_EVERY_S = 60

function Settings({ of, checks }: { of: OneConnection; checks: Checks }) {
  const say = useText()
  const words = useWords()
  const may = useRights(of)
  const form = useForm({
    initialValues: {
      is_on: checks.every_s !== null,
      every_s: checks.every_s ?? (USUAL_EVERY_S as number | string),
      timeout_ms: checks.timeout_ms as number | string,
      path: checks.path ?? '',
      statuses: (checks.statuses ?? []).map(String),
      answer: checks.answer === null ? '' : JSON.stringify(checks.answer, null, 2),
    },
    validateInputOnChange: true,
    validate: {
      path: (path) => (path === '' || path.startsWith('/') ? null : say('path_wrong')),
      statuses: (all) => (all.every((one) => /^[1-5]\d\d$/.test(one)) ? null : say('statuses_wrong')),
      answer: (text) => (text.trim() === '' || objectIn(text) !== null ? null : say('answer_wrong')),
    },
  })
  const saving = useAct({
    act: ({ is_on, every_s, timeout_ms, path, statuses, answer }: typeof form.values) =>
      ask(
        api.PATCH('/v1/connections/{id}/health', {
          params: { path: { id: of.id } },
          body: {
            every_s: is_on ? Number(every_s) : null,
            timeout_ms: Number(timeout_ms),
            path: path === '' ? null : path,
            statuses: statuses.length === 0 ? null : statuses.map(Number),
            answer: objectIn(answer),
          },
        }),
      ),
    done: say('saved'),
    changes: ['connections'],
  })
  return (
    <form onSubmit={form.onSubmit((values) => saving.mutate(values))}>
      <fieldset disabled={!may.write} style={{ border: 0, padding: 0, margin: 0 }}>
        <Stack gap="sm" maw={640}>
          <Switch label={say('on')} {...form.getInputProps('is_on', { type: 'checkbox' })} />
          <Group grow align="flex-start">
            <NumberInput
              label={say('every_s')}
              min={30}
              max={86_400}
              disabled={!form.values.is_on}
              allowDecimal={false}
              {...form.getInputProps('every_s')}
            />
            <NumberInput
              label={say('timeout_ms')}
              min={100}
              max={60_000}
              allowDecimal={false}
              {...form.getInputProps('timeout_ms')}
            />
          </Group>
          <Group grow align="flex-start">
            <TextInput label={say('path')} description={say('path_about')} {...form.getInputProps('path')} />
            <TagsInput
              label={say('statuses')}
              description={say('statuses_about')}
              {...form.getInputProps('statuses')}
            />
          </Group>
          <JsonField
            label={say('answer')}
            description={say('answer_about')}
            autosize
            {...form.getInputProps('answer')}
          />
          {may.write && (
            <Group>
              <Button type="submit" loading={saving.isPending}>
                {words('save')}
              </Button>
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  )
}

/** Null where it is none. */
function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown> | null)
      : null
  } catch {
    return null
  }
}

/** In the words for states that are told everywhere. */
const STATE = { well: 'healthy', slow: 'degraded', failed: 'failed' } as const

function History({ id }: { id: string }) {
  const say = useText()
  const pages = usePages(['connections', 'checks', id, 'all'], (cursor) =>
    ask(
      api.GET('/v1/connections/{id}/health/checks', {
        params: { path: { id }, query: cursor === undefined ? {} : { cursor } },
      }),
    ),
  )
  const columns: Column<HealthCheck>[] = [
    { title: say('when'), cell: ({ checked_at }) => <When at={checked_at} />, width: 140 },
    { title: say('result'), cell: ({ result }) => <State of={STATE[result]} />, width: 130 },
    { title: say('took'), cell: (check) => duration(check.latency_ms), width: 100, right: true, wide: true },
    {
      title: say('note'),
      cell: ({ note }) => (
        <Text size="sm" lineClamp={1}>
          {note ?? '–'}
        </Text>
      ),
      wide: true,
    },
    {
      title: say('call'),
      cell: ({ call_id }) =>
        call_id && (
          <Anchor component={Link} to={`/calls/${call_id}`} size="sm">
            {say('see')}
          </Anchor>
        ),
      width: 80,
    },
  ]
  return (
    <DataTable
      label={say('history')}
      columns={columns}
      pages={pages}
      id={(check) => check.id}
      empty={
        <Text size="sm" c="dimmed">
          {say('none')}
        </Text>
      }
    />
  )
}
