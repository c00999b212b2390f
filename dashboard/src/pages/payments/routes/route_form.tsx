import { Button, Group, Stack, Switch, TextInput, Title } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { IconPlus } from '@tabler/icons-react'
import { useNavigate } from 'react-router'
import { api, ask } from '../../../api/client.ts'
import { useAct } from '../../../api/hooks.ts'
import { useMay } from '../../../api/session.tsx'
import { useWords } from '../../../parts/words.ts'
import { bodyOf, conditionsOf, type Draft, draftOf, emptyRule, type Route } from './route_draft.ts'
import { useText } from './route_text.ts'
import { RuleFields } from './rule_fields.tsx'

export type RouteFormOf = UseFormReturnType<Draft>

/** A new route, or one that is changed; who may not write sees it as it stands. */
export function RouteForm({ of }: { of: Route | null }) {
  const say = useText()
  const word = useWords()
  const may = useMay()
  const form = useForm<Draft>({
    initialValues: draftOf(of),
    validate: {
      name: (value) => (value.trim() === '' ? say('required') : null),
      rules: {
        connection_ids: (value) => (value.length === 0 ? say('needs_one') : null),
        more: (value) => (conditionsOf(value) === undefined ? say('not_json') : null),
      },
    },
  })
  const save = useSave(of)
  const navigate = useNavigate()
  const submit = (draft: Draft) =>
    save.mutate(draft, { onSuccess: ({ id }) => navigate(`/payments/routes/${id}`) })
  return (
    <form noValidate onSubmit={form.onSubmit(submit)}>
      <fieldset disabled={!may('payments:write')} style={{ border: 0, margin: 0, padding: 0 }}>
        <Stack maw={860}>
          <TextInput label={say('name')} withAsterisk maxLength={100} {...form.getInputProps('name')} />
          <Switch
            label={say('is_default')}
            description={say('is_default_about')}
            {...form.getInputProps('is_default', { type: 'checkbox' })}
          />
          <Title order={2} size="h4">
            {say('rules')}
          </Title>
          {form.values.rules.map(({ key }, at) => (
            <RuleFields key={key} form={form} at={at} />
          ))}
          <Group>
            <Button
              variant="default"
              leftSection={<IconPlus size={16} />}
              disabled={form.values.rules.length >= 50}
              onClick={() => form.insertListItem('rules', emptyRule())}
            >
              {say('add_rule')}
            </Button>
          </Group>
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

function useSave(of: Route | null) {
  const say = useText()
  return useAct({
    act: (draft: Draft) => {
      const body = bodyOf(draft)
      return of
        ? ask(api.PATCH('/v1/payment-routes/{id}', { params: { path: { id: of.id } }, body }))
        : ask(api.POST('/v1/payment-routes', { body }))
    },
    done: say('saved'),
    changes: ['payments'],
  })
}
