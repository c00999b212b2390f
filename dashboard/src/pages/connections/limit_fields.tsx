import { Group, NumberInput, Stack, Switch } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { texts } from '../../text/text.ts'
import type { Values } from './form.tsx'
import { RateFields } from './rate_fields.tsx'

const useText = texts('limit_fields', {
  en: {
    rates_none: "The provider's own limits hold, or 60 a minute and 1,000 an hour.",
    concurrency: 'Calls at once',
    queue: 'Calls that may wait in line',
    breaker: 'Circuit breaker',
    breaker_about: 'Stops asking a vendor that fails, and tries again by itself.',
    failures: 'Opens after failures in a row',
    open_s: 'Tries again after seconds',
    successes: 'Closes after successes in a row',
  },
  'pt-BR': {
    rates_none: 'Valem os limites do provedor, ou 60 por minuto e 1.000 por hora.',
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
      <RateFields
        rates={form.values.limits.rates}
        change={(rates) => form.setFieldValue('limits.rates', rates)}
        props={(path) => form.getInputProps(`limits.rates.${path}`)}
        none={say('rates_none')}
      />
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
