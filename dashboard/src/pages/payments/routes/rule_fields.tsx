import {
  ActionIcon,
  Card,
  Group,
  MultiSelect,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react'
import { JsonField } from '../../../parts/json_field.tsx'
import { MoneyInput } from '../../../parts/money_input.tsx'
import { CURRENCIES, currencyOf, METHODS, moved, NEXT_ON } from './route_draft.ts'
import type { RouteFormOf } from './route_form.tsx'
import { useText } from './route_text.ts'
import { RuleConnections } from './rule_connections.tsx'

type RuleProps = { form: RouteFormOf; at: number }

/** One rule of a route: which payments it is for, and the connections they are sent to. */
export function RuleFields({ form, at }: RuleProps) {
  const say = useText()
  const path = `rules.${at}`
  return (
    <Card withBorder component="section" aria-label={say('rule_n', { n: at + 1 })}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Text fw={600}>{say('rule_n', { n: at + 1 })}</Text>
          <Places form={form} at={at} />
        </Group>
        <TextInput label={say('rule_name')} maxLength={100} {...form.getInputProps(`${path}.name`)} />
        <Text size="sm" fw={600}>
          {say('fits')}{' '}
          <Text span size="xs" c="dimmed" fw={400}>
            {say('fits_about')}
          </Text>
        </Text>
        <Conditions form={form} at={at} />
        <RuleConnections form={form} at={at} />
        <MultiSelect
          label={say('next_on')}
          description={say('next_on_about')}
          data={NEXT_ON.map((value) => ({ value, label: say(value) }))}
          {...form.getInputProps(`${path}.next_on`)}
        />
      </Stack>
    </Card>
  )
}

/** Its place among the rules, of which the first that fits decides. */
function Places({ form, at }: RuleProps) {
  const say = useText()
  const { rules } = form.values
  const name = say('rule_n', { n: at + 1 })
  const move = (by: 1 | -1) => form.setFieldValue('rules', moved(rules, at, by))
  return (
    <Group gap={4}>
      <ActionIcon
        variant="default"
        disabled={at === 0}
        aria-label={say('up', { name })}
        onClick={() => move(-1)}
      >
        <IconArrowUp size={16} />
      </ActionIcon>
      <ActionIcon
        variant="default"
        disabled={at === rules.length - 1}
        aria-label={say('down', { name })}
        onClick={() => move(1)}
      >
        <IconArrowDown size={16} />
      </ActionIcon>
      <ActionIcon
        variant="light"
        color="red"
        disabled={rules.length === 1}
        aria-label={say('remove', { name })}
        onClick={() => form.removeListItem('rules', at)}
      >
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  )
}

function Conditions({ form, at }: RuleProps) {
  const say = useText()
  const path = `rules.${at}`
  const currency = currencyOf(form.values.rules[at] ?? { currency: null })
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Select
          label={say('method')}
          placeholder={say('any')}
          clearable
          data={METHODS.map((value) => ({ value, label: say(value) }))}
          {...form.getInputProps(`${path}.method`)}
        />
        <Select
          label={say('currency')}
          placeholder={say('any')}
          clearable
          data={choicesOf(form.values.rules[at]?.currency)}
          {...form.getInputProps(`${path}.currency`)}
        />
        <MoneyInput
          label={say('at_least')}
          currency={currency}
          or_zero
          {...form.getInputProps(`${path}.at_least`)}
        />
        <MoneyInput
          label={say('at_most')}
          currency={currency}
          or_zero
          {...form.getInputProps(`${path}.at_most`)}
        />
      </SimpleGrid>
      <JsonField
        label={say('more')}
        description={say('more_about')}
        placeholder='{ "metadata.channel": "app" }'
        autosize
        minRows={1}
        {...form.getInputProps(`${path}.more`)}
      />
    </>
  )
}

/** One that the API was told of and the list has not is still a choice. */
const choicesOf = (set: string | null | undefined): string[] => [
  ...new Set([...CURRENCIES, ...(set ? [set] : [])]),
]
