import { ActionIcon, Button, Group, NumberInput, Select, Stack, Switch, Text } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { texts } from '../../text/text.ts'
import type { Values } from './form.tsx'
import { PERIODS } from './limits.ts'
import { periodName, useNames } from './names.ts'

const useText = texts('limit_fields', {
  en: {
    rates: 'Calls are never more than',
    rates_none: "The provider's own limits hold, or 60 a minute and 1,000 an hour.",
    calls: 'Calls',
    bytes: 'Bytes',
    period: 'In any period of',
    add: 'Add a limit',
    remove: 'Remove limit {{n}}',
    concurrency: 'Calls at once',
    queue: 'Calls that may wait in line',
    breaker: 'Circuit breaker',
    breaker_about: 'Stops asking a vendor that fails, and tries again by itself.',
    failures: 'Opens after failures in a row',
    open_s: 'Tries again after seconds',
    successes: 'Closes after successes in a row',
  },
  'pt-BR': {
    rates: 'As chamadas nunca passam de',
    rates_none: 'Valem os limites do provedor, ou 60 por minuto e 1.000 por hora.',
    calls: 'Chamadas',
    bytes: 'Bytes',
    period: 'Em qualquer período de',
    add: 'Adicionar limite',
    remove: 'Remover limite {{n}}',
    concurrency: 'Chamadas simultâneas',
    queue: 'Chamadas que podem esperar na fila',
    breaker: 'Disjuntor',
    breaker_about: 'Para de chamar um provedor que falha e tenta de novo sozinho.',
    failures: 'Abre após falhas seguidas',
    open_s: 'Tenta de novo após segundos',
    successes: 'Fecha após sucessos seguidos',
  },
})

/** How much of the vendor the calls of a connection may take. */
export function LimitFields({ form }: { form: UseFormReturnType<Values> }) {
  const say = useText()
  const { breaker } = form.values.limits
  const number = (name: 'concurrency' | 'queue' | 'failures' | 'open_s' | 'successes', usual: number) => (
    <NumberInput
      label={say(name)}
      placeholder={String(usual)}
      min={name === 'queue' ? 0 : 1}
      allowDecimal={false}
      style={{ flex: '1 1 180px' }}
      {...form.getInputProps(`limits.${name}`)}
    />
  )
  return (
    <Stack>
      <Rates form={form} />
      <Group align="flex-end">
        {number('concurrency', 64)}
        {number('queue', 256)}
      </Group>
      <Switch
        label={say('breaker')}
        description={say('breaker_about')}
        {...form.getInputProps('limits.breaker', { type: 'checkbox' })}
      />
      {breaker && (
        <Group align="flex-end">
          {number('failures', 5)}
          {number('open_s', 60)}
          {number('successes', 3)}
        </Group>
      )}
    </Stack>
  )
}

function Rates({ form }: { form: UseFormReturnType<Values> }) {
  const say = useText()
  const names = useNames()
  const { rates } = form.values.limits
  const periods = (own: number) => [...new Set([...PERIODS, own])].sort((a, b) => a - b)
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        {say('rates')}
      </Text>
      {rates.length === 0 && (
        <Text size="xs" c="dimmed">
          {say('rates_none')}
        </Text>
      )}
      {rates.map(({ per_s }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a rate has no name but its place
        <Group key={at} align="flex-end" gap="xs">
          <NumberInput
            label={say('calls')}
            min={1}
            allowDecimal={false}
            w={120}
            {...form.getInputProps(`limits.rates.${at}.calls`)}
          />
          <NumberInput
            label={say('bytes')}
            min={1}
            allowDecimal={false}
            w={140}
            {...form.getInputProps(`limits.rates.${at}.bytes`)}
          />
          <Select
            label={say('period')}
            allowDeselect={false}
            w={170}
            value={String(per_s)}
            onChange={(value) => form.setFieldValue(`limits.rates.${at}.per_s`, Number(value))}
            data={periods(per_s).map((one) => ({ value: String(one), label: periodName(names, one) }))}
          />
          <ActionIcon
            variant="subtle"
            color="red"
            size="lg"
            aria-label={say('remove', { n: at + 1 })}
            onClick={() => form.removeListItem('limits.rates', at)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      {rates.length < 5 && (
        <Button
          variant="light"
          size="xs"
          leftSection={<IconPlus size={14} />}
          style={{ alignSelf: 'flex-start' }}
          onClick={() => form.insertListItem('limits.rates', { calls: '', bytes: '', per_s: 60 })}
        >
          {say('add')}
        </Button>
      )}
    </Stack>
  )
}
