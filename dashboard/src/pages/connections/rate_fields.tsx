import { ActionIcon, Button, Group, NumberInput, Select, Stack, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { texts } from '../../text/text.ts'
import { PERIODS, type RateDraft } from './limits.ts'
import { periodName, useNames } from './names.ts'

const useText = texts('rate_fields', {
  en: {
    rates: 'Calls are never more than',
    calls: 'Calls',
    bytes: 'Bytes',
    period: 'In any period of',
    add: 'Add a limit',
    remove: 'Remove limit {{n}}',
  },
  'pt-BR': {
    rates: 'As chamadas nunca passam de',
    calls: 'Chamadas',
    bytes: 'Bytes',
    period: 'Em qualquer período de',
    add: 'Adicionar limite',
    remove: 'Remover limite {{n}}',
  },
})

type RateFieldsProps = {
  rates: readonly RateDraft[]
  change: (rates: RateDraft[]) => void
  /** Of the field at this path below the list. */
  props: (path: string) => object
  /** What holds where nothing is set. */
  none: string
}

/** How much may be asked for in which periods. */
export function RateFields({ rates, change, props, none }: RateFieldsProps) {
  const say = useText()
  const names = useNames()
  const periods = (own: number) => [...new Set([...PERIODS, own])].sort((a, b) => a - b)
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        {say('rates')}
      </Text>
      {rates.length === 0 && (
        <Text size="xs" c="dimmed">
          {none}
        </Text>
      )}
      {rates.map((rate, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a rate has no name but its place
        <Group key={at} align="flex-end" gap="xs">
          <NumberInput label={say('calls')} min={1} allowDecimal={false} w={120} {...props(`${at}.calls`)} />
          <NumberInput label={say('bytes')} min={1} allowDecimal={false} w={140} {...props(`${at}.bytes`)} />
          <Select
            label={say('period')}
            allowDeselect={false}
            w={170}
            value={String(rate.per_s)}
            onChange={(value) => change(rates.with(at, { ...rate, per_s: Number(value) }))}
            data={periods(rate.per_s).map((one) => ({ value: String(one), label: periodName(names, one) }))}
          />
          <ActionIcon
            variant="subtle"
            color="red"
            size="lg"
            aria-label={say('remove', { n: at + 1 })}
            onClick={() => change(rates.toSpliced(at, 1))}
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
          onClick={() => change([...rates, { calls: '', bytes: '', per_s: 60 }])}
        >
          {say('add')}
        </Button>
      )}
    </Stack>
  )
}
