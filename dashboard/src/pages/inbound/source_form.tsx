import { Button, Group, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, ask, Refusal } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { type Provider, useConnections } from '../../api/names.ts'
import { Wrong } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { type Field, isAsked } from '../connections/fields.ts'
import type { OneSource } from './source.tsx'
import { useChecks } from './source_checks.ts'
import { bodyOf, type Draft, draftOf } from './source_draft.ts'
import { SettingField } from './source_field.tsx'
import { SourceOptions } from './source_options.tsx'
import { useText } from './source_text.ts'

export type SourceForm = UseFormReturnType<Draft>
export type Receiving = Omit<Provider, 'webhooks'> & { webhooks: { fields: Field[]; signature: string } }

type FormProps = { of: OneSource | null; providers: Receiving[] }

/** A new source, or one that is changed: its fields are those its provider's manifest asks for. */
export function SourceFields({ of, providers }: FormProps) {
  const say = useText()
  const word = useWords()
  const fieldsOf = (id: string) => providers.find((one) => one.id === id)?.webhooks.fields ?? []
  const [before] = useState(() => draftOf(of, fieldsOf(of?.provider ?? '')))
  const form = useForm<Draft>({
    initialValues: before,
    validateInputOnBlur: true,
    validate: useChecks(of !== null, fieldsOf),
  })
  const fields = fieldsOf(form.values.provider)
  const save = useSave(of, before, fields, (field, detail) => form.setFieldError(field, detail))
  const is_wrong = Object.keys(form.errors).some((path) => path.startsWith('options.'))
  const choose = (id: string | null) => {
    form.setFieldValue('provider', id ?? '')
    form.setFieldValue('settings', draftOf(null, fieldsOf(id ?? '')).settings)
  }
  const { settings } = form.values
  return (
    <form onSubmit={form.onSubmit((draft) => save.mutate(draft))}>
      <Stack maw={720}>
        {!of && (
          <Select
            label={say('provider')}
            withAsterisk
            searchable
            data={providers.map(({ id, name }) => ({ value: id, label: name }))}
            value={form.values.provider || null}
            onChange={choose}
            error={form.errors['provider']}
          />
        )}
        <TextInput label={say('name')} withAsterisk maxLength={100} {...form.getInputProps('name')} />
        {fields
          .filter((field) => isAsked(field, settings))
          .map((field) => (
            <SettingField key={field.key} field={field} form={form} is_set={of !== null} />
          ))}
        <Common of={of} form={form} />
        <SourceOptions form={form} is_wrong={is_wrong} />
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

function Common({ of, form }: { of: OneSource | null; form: SourceForm }) {
  const say = useText()
  const { provider } = form.values
  const connections = useConnections().filter((one) => one.provider === provider)
  const kept = of && of.secrets > 0 ? ` ${say('secrets_keep', { n: of.secrets })}` : ''
  return (
    <>
      <Textarea
        label={say('secrets')}
        description={say('secrets_about') + kept}
        autosize
        minRows={2}
        autoComplete="off"
        spellCheck={false}
        {...form.getInputProps('secrets')}
      />
      <Select
        label={say('connection')}
        description={say('connection_about')}
        clearable
        data={connections.map(({ id, name }) => ({ value: id, label: name }))}
        {...form.getInputProps('connection_id')}
      />
      <Switch
        label={say('default')}
        description={say('default_about', { provider: provider || '…' })}
        {...form.getInputProps('is_default', { type: 'checkbox' })}
      />
    </>
  )
}

function useSave(
  of: OneSource | null,
  before: Draft,
  fields: readonly Field[],
  refused: (field: string, detail: string) => void,
) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (draft: Draft) => save(of, draft, before, fields),
    onSuccess: ({ id }) => {
      refresh(client, ['sources'])
      navigate(`/inbound/sources/${id}`)
    },
    onError: (error) => {
      const problem = error instanceof Refusal ? error.problem : null
      if (problem?.field) refused(problem.field, error.message)
    },
  })
}

function save(of: OneSource | null, draft: Draft, before: Draft, fields: readonly Field[]) {
  const { options, ...body } = bodyOf(draft, before, fields)
  const { provider, connection_id } = draft
  if (of) {
    return ask(
      api.PATCH('/v1/sources/{id}', {
        params: { path: { id: of.id } },
        body: { ...body, options, connection_id },
      }),
    )
  }
  const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null))
  return ask(
    api.POST('/v1/sources', {
      body: { ...body, provider, options: set, ...(connection_id && { connection_id }) },
    }),
  )
}
