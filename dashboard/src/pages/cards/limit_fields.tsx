import { ActionIcon, Button, Group, Select, SimpleGrid, Stack, TagsInput, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { MoneyInput } from '../../parts/money_input.tsx'
import { type AmountDraft, emptyAmount, INTERVALS, LISTS, type LimitsDraft } from './limits_draft.ts'
import { useText } from './manage_text.ts'
import { useText as useCards } from './text.ts'

type FieldsProps = { value: LimitsDraft; change: (value: LimitsDraft) => void; currency: string }

/** What a card may be used for: amounts, and kinds and countries of merchants. */
export function LimitFields({ value, change, currency }: FieldsProps) {
  const say = useText()
  const word = useCards()
  const { spending } = value
  const set = (next: AmountDraft[]) => change({ ...value, spending: next })
  return (
    <Stack gap="sm">
      <Text size="sm" fw={600}>
        {say('amounts')}
      </Text>
      {spending.map((one) => (
        <Amount
          key={one.key}
          value={one}
          currency={currency}
          change={(next) => set(spending.map((other) => (other.key === one.key ? next : other)))}
          remove={() => set(spending.filter(({ key }) => key !== one.key))}
        />
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          disabled={spending.length >= 50}
          onClick={() => set([...spending, emptyAmount()])}
        >
          {say('add_amount')}
        </Button>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {LISTS.map((name) => (
          <Words
            key={name}
            label={word(name)}
            about={say(name.endsWith('countries') ? 'countries_about' : 'categories_about')}
            is_upper={name.endsWith('countries')}
            value={value[name]}
            change={(list) => change({ ...value, [name]: list })}
          />
        ))}
      </SimpleGrid>
    </Stack>
  )
}

type AmountProps = {
  value: AmountDraft
  currency: string
  change: (value: AmountDraft) => void
  remove: () => void
}

function Amount({ value, currency, change, remove }: AmountProps) {
  const say = useText()
  const word = useCards()
  return (
    <Group gap="xs" align="flex-start" wrap="wrap">
      <MoneyInput
        aria-label={say('at_most')}
        placeholder={say('at_most')}
        currency={currency}
        required
        w={140}
        value={value.amount}
        onChange={(amount) => change({ ...value, amount })}
      />
      <Select
        aria-label={say('interval')}
        w={140}
        allowDeselect={false}
        data={INTERVALS.map((one) => ({ value: one, label: word(one) }))}
        value={value.interval}
        onChange={(one) =>
          change({ ...value, interval: INTERVALS.find((known) => known === one) ?? value.interval })
        }
      />
      <TagsInput
        aria-label={say('only_categories')}
        placeholder={value.categories.length === 0 ? say('all_categories') : ''}
        flex={1}
        miw={180}
        value={value.categories}
        onChange={(categories) => change({ ...value, categories })}
      />
      <ActionIcon variant="subtle" color="red" size={36} aria-label={say('remove_amount')} onClick={remove}>
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  )
}

type WordsProps = {
  label: string
  about?: string
  is_upper?: boolean
  value: string[]
  change: (value: string[]) => void
}

/** A list of words, each ended by Enter or a comma. */
export function Words({ label, about, is_upper = false, value, change }: WordsProps) {
  return (
    <TagsInput
      label={label}
      description={about}
      clearable
      acceptValueOnBlur
      splitChars={[',', ' ', ';']}
      value={value}
      onChange={(list) => change(is_upper ? [...new Set(list.map((one) => one.toUpperCase()))] : list)}
    />
  )
}
