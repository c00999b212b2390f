import {
  Button,
  Fieldset,
  Group,
  NumberInput,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TextInput,
} from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { MoneyInput } from '../../parts/money_input.tsx'
import { useWords } from '../../parts/words.ts'
import { CURRENCIES } from './issue_draft.ts'
import { Words } from './limit_fields.tsx'
import type { Rule } from './reads.ts'
import { bodyOf, type Draft, draftOf, LISTS } from './rule_draft.ts'
import { useText } from './rule_text.ts'
import { useText as useCards } from './text.ts'

/** What decides about an authorization after the card and its limits. */
export function RuleForm({ of, position }: { of: Rule | null; position: number }) {
  const say = useText()
  const card = useCards()
  const word = useWords()
  const may = useMay()
  const form = useForm<Draft>({
    initialValues: draftOf(of, position),
    validate: {
      name: (typed) => (typed.trim() === '' ? say('required') : null),
      position: (typed) => (typed === '' ? say('required') : null),
      above: (typed) => (Number.isNaN(typed) ? say('required') : null),
    },
  })
  const save = useSave(of)
  const navigate = useNavigate()
  const submit = (draft: Draft) => save.mutate(draft, { onSuccess: () => navigate('/cards/rules') })
  return (
    <form noValidate onSubmit={form.onSubmit(submit)}>
      <fieldset disabled={!may('cards:write')} style={{ border: 0, margin: 0, padding: 0 }}>
        <Stack maw={760}>
          <TextInput label={word('name')} withAsterisk maxLength={100} {...form.getInputProps('name')} />
          <Radio.Group label={card('answer_is')} {...form.getInputProps('action')}>
            <Group mt="xs">
              <Radio value="decline" label={card('decline')} />
              <Radio value="approve" label={card('approve')} />
            </Group>
          </Radio.Group>
          <NumberInput
            label={card('position')}
            description={say('position_about')}
            withAsterisk
            min={0}
            max={1_000_000}
            allowDecimal={false}
            {...form.getInputProps('position')}
          />
          <Switch label={say('enabled')} {...form.getInputProps('is_enabled', { type: 'checkbox' })} />
          <Conditions form={form} />
          <Group>
            <Button type="submit" loading={save.isPending}>
              {word(of ? 'save' : 'create')}
            </Button>
          </Group>
        </Stack>
      </fieldset>
    </form>
  )
}

function Conditions({ form }: { form: UseFormReturnType<Draft> }) {
  const say = useText()
  const card = useCards()
  const { currency, lists } = form.values
  return (
    <Fieldset legend={say('all_hold')}>
      <Stack>
        <Group align="flex-end" gap="xs">
          <MoneyInput
            label={card('above')}
            description={say('above_about')}
            flex={1}
            miw={180}
            currency={currency}
            rightSection={null}
            or_zero
            {...form.getInputProps('above')}
          />
          <Select
            label={card('currency')}
            w={110}
            allowDeselect={false}
            data={[...new Set([...CURRENCIES, currency])]}
            {...form.getInputProps('currency')}
          />
        </Group>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {LISTS.map((name) => (
            <Words
              key={name}
              label={card(name)}
              about={say(`${name}_about`)}
              is_upper={name === 'countries' || name === 'outside'}
              value={lists[name]}
              change={(list) => form.setFieldValue(`lists.${name}`, list)}
            />
          ))}
        </SimpleGrid>
        <Switch
          label={card('unauthenticated')}
          description={say('unauthenticated_about')}
          {...form.getInputProps('unauthenticated', { type: 'checkbox' })}
        />
      </Stack>
    </Fieldset>
  )
}

function useSave(of: Rule | null) {
  const say = useText()
  return useAct({
    act: (draft: Draft) => {
      const body = bodyOf(draft)
      return of
        ? ask(api.PATCH('/v1/cards/rules/{id}', { params: { path: { id: of.id } }, body }))
        : ask(api.POST('/v1/cards/rules', { body }))
    },
    done: say('saved'),
    changes: ['cards'],
  })
}
