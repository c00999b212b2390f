import { Button, Group, Stack, TagsInput, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh, useRead } from '../../api/hooks.ts'
import type { Subscription } from '../../api/names.ts'
import { JsonField } from '../../parts/json_field.tsx'
import { Wrong } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { AuthFields } from './auth_fields.tsx'
import { DeliveryFields } from './delivery_fields.tsx'
import { FilterPreview } from './filter_preview.tsx'
import { useText } from './form_text.ts'
import { payloadOf } from './payload.ts'
import { PayloadFields } from './payload_fields.tsx'
import { useText as usePayloadText } from './payload_text.ts'
import { changeOf, createOf, type Draft, draftOf, readFilter, readHeaders } from './subscription_draft.ts'

export type SubscriptionForm = UseFormReturnType<Draft>

/** A new subscription, or one that is changed; its filter is tried on past events while it is typed. */
export function SubscriptionFields({ of }: { of: Subscription | null }) {
  const say = useText()
  const word = useWords()
  const payload = usePayloadText()
  const form = useForm<Draft>({
    initialValues: draftOf(of),
    validate: {
      name: (value) => (value.trim() ? null : say('required')),
      url: (value) => (value.trim() ? null : say('required')),
      event_types: (value) => (value.length > 0 ? null : say('required')),
      filter: (value) => (isFilter(value) ? null : say('not_object')),
      headers: (value) => (readHeaders(value) ? null : say('headers_wrong')),
      template: (_, draft) => (payloadOf(draft) === undefined ? payload('not_json') : null),
      expression: (_, draft) => (payloadOf(draft) === undefined ? payload('empty') : null),
      order_key: (value, { order_per }) => (order_per === 'key' && !value.trim() ? say('required') : null),
    },
  })
  const save = useSave(of)
  return (
    <form onSubmit={form.onSubmit((draft) => save.mutate(draft))}>
      <Stack maw={760}>
        <Basics form={form} />
        <JsonField
          label={say('filter')}
          description={say('filter_about')}
          placeholder={say('filter_example')}
          autosize
          minRows={4}
          maxRows={18}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          {...form.getInputProps('filter')}
        />
        <FilterPreview filter={form.values.filter} event_types={form.values.event_types} />
        <PayloadFields form={form} of={of} />
        <AuthFields form={form} of={of} />
        <Textarea
          label={say('headers')}
          description={`${say('headers_about')} ${keptHeaders(say, of)}`}
          autosize
          minRows={2}
          spellCheck={false}
          {...form.getInputProps('headers')}
        />
        <DeliveryFields form={form} is_new={of === null} />
        {save.error && <Wrong error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {word(of ? 'save' : 'create')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Basics({ form }: { form: SubscriptionForm }) {
  const say = useText()
  const catalog = useRead(['event_types'], () => ask(api.GET('/v1/event-types')))
  const types = [...new Set(catalog.data?.data.map(({ name }) => name))]
  const families = [...new Set(types.map((name) => `${name.split('.')[0]}.*`))]
  return (
    <>
      <TextInput label={say('name')} withAsterisk maxLength={100} {...form.getInputProps('name')} />
      <TextInput
        label={say('url')}
        description={say('url_about')}
        placeholder="https://example.com/webhooks"
        withAsterisk
        inputMode="url"
        {...form.getInputProps('url')}
      />
      <TagsInput
        label={say('event_types')}
        description={say('event_types_about')}
        withAsterisk
        data={['*', ...families, ...types]}
        maxDropdownHeight={260}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        {...form.getInputProps('event_types')}
        onChange={(types) =>
          form.setFieldValue(
            'event_types',
            types.flatMap((one) => one.match(/[^\s,]+/g) ?? []),
          )
        }
      />
      <TextInput label={say('description')} maxLength={1_000} {...form.getInputProps('description')} />
    </>
  )
}

function keptHeaders(say: ReturnType<typeof useText>, of: Subscription | null): string {
  const names = Object.keys(of?.headers ?? {})
  return names.length > 0 ? say('headers_kept', { names: names.join(', ') }) : ''
}

function useSave(of: Subscription | null) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: async (draft: Draft): Promise<{ id: string }> =>
      of
        ? ask(
            api.PATCH('/v1/subscriptions/{id}', {
              params: { path: { id: of.id } },
              body: changeOf(draft, of),
            }),
          )
        : ask(api.POST('/v1/subscriptions', { body: createOf(draft) })),
    onSuccess: ({ id }) => {
      refresh(client, ['subscriptions'])
      navigate(`/outbound/subscriptions/${id}`)
    },
  })
}

function isFilter(text: string): boolean {
  try {
    readFilter(text)
    return true
  } catch {
    return false
  }
}
