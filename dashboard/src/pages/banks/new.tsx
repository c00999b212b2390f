import { Button, Group, Select, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { useProviders } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Page, Wrong } from '../../parts/page.tsx'
import { FieldInput, pathOf } from '../connections/field_input.tsx'
import { type Drafts, type Field, faultOf, isAsked, toDrafts, toValues } from '../connections/fields.ts'
import { errorsOf, isSaidAtFields } from '../connections/form.tsx'
import { useFaultWords } from '../connections/form_text.ts'
import { type Environment, useNames } from '../connections/names.ts'
import { useEnvironments, useUsualEnvironment } from '../connections/world.ts'
import { isBankCode, READS } from './connect.tsx'
import { Directory, type Participant } from './directory.tsx'
import { useText } from './new_text.ts'

/** A bank of a person, made together with the connection by which it is read. */
export function Component() {
  const say = useText()
  const readers = useReaders()
  return (
    <Page title={say('title')} about={say('about')}>
      {readers.length > 0 && <BankForm readers={readers} />}
    </Page>
  )
}

type Reader = { id: string; name: string; fields: Field[] }

/** The providers by which banks are read. */
const useReaders = (): Reader[] =>
  useProviders()
    .filter(({ operations }) => operations.some(({ operation }) => READS.includes(operation)))
    .map(({ id, name, fields }) => ({ id, name, fields: fields as Field[] })) // as manifests have them

type Draft = {
  provider: string
  environment: Environment
  user_id: string
  name: string
  bank_code: string
  settings: Drafts
  credentials: Drafts
}
type Form = UseFormReturnType<Draft>

const fieldsOf = (readers: readonly Reader[], id: string): Field[] =>
  readers.find((one) => one.id === id)?.fields ?? []
const draftsOf = (fields: readonly Field[], settings: Record<string, unknown>) => ({
  settings: toDrafts(
    fields.filter(({ secret }) => !secret),
    settings,
  ),
  credentials: toDrafts(
    fields.filter(({ secret }) => secret),
    {},
  ),
})

function BankForm({ readers }: { readers: Reader[] }) {
  const say = useText()
  const may = useMay()
  const environment = useUsualEnvironment()
  const faults = useFaults(readers)
  const first = readers.find(({ id }) => id === 'open_finance') ?? readers[0]
  const form = useForm<Draft>({
    initialValues: {
      ...{ provider: first?.id ?? '', environment, user_id: '', name: '', bank_code: '' },
      ...draftsOf(first?.fields ?? [], {}),
    },
    validate: faults,
  })
  const fields = fieldsOf(readers, form.values.provider)
  const making = useMake(fields, (errors) => form.setErrors(errors))
  const choose = ({ provider, name, bank_code, settings }: Participant) =>
    form.setValues({
      ...{ provider, name, bank_code: bank_code ?? '' },
      ...draftsOf(fieldsOf(readers, provider), settings),
    })
  const change = (provider: string | null) =>
    provider && form.setValues({ provider, ...draftsOf(fieldsOf(readers, provider), {}) })
  return (
    <form noValidate onSubmit={form.onSubmit((draft) => making.mutate(draft))}>
      <Stack maw={760} gap="lg">
        <Directory choose={choose} />
        <Whose form={form} readers={readers} change={change} />
        <Fields form={form} fields={fields} />
        {making.error && !isSaidAtFields(making.error, fields) && <Wrong error={making.error} />}
        <Group>
          <Button type="submit" loading={making.isPending} disabled={!may('banking:write')}>
            {say('connect')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type WhoseProps = { form: Form; readers: Reader[]; change: (provider: string | null) => void }

function Whose({ form, readers, change }: WhoseProps) {
  const say = useText()
  const names = useNames()
  const environments = useEnvironments()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: 'end' }}>
      <Select
        label={say('provider')}
        description={say('provider_about')}
        withAsterisk
        allowDeselect={false}
        searchable
        data={readers.map(({ id, name }) => ({ value: id, label: name }))}
        value={form.values.provider}
        onChange={change}
      />
      <Select
        label={say('environment')}
        allowDeselect={false}
        data={environments.map((one) => ({ value: one, label: names(one) }))}
        {...form.getInputProps('environment')}
      />
      <TextInput label={say('name')} withAsterisk maxLength={128} {...form.getInputProps('name')} />
      <TextInput
        label={say('bank_code')}
        description={say('bank_code_about')}
        withAsterisk
        maxLength={32}
        {...form.getInputProps('bank_code')}
      />
      <TextInput
        label={say('user_id')}
        description={say('user_id_about')}
        withAsterisk
        maxLength={64}
        {...form.getInputProps('user_id')}
      />
    </SimpleGrid>
  )
}

function Fields({ form, fields }: { form: Form; fields: Field[] }) {
  const say = useText()
  const asked = fields.filter((field) => isAsked(field, form.values.settings))
  const parts = [
    { name: 'settings', of: asked.filter(({ secret }) => !secret) },
    { name: 'credentials', of: asked.filter(({ secret }) => secret) },
  ] as const
  return (
    <>
      {parts.map(
        ({ name, of }) =>
          of.length > 0 && (
            <Stack key={name} gap="sm" component="section">
              <div>
                <Title order={2} size="h5">
                  {say(name)}
                </Title>
                {name === 'credentials' && (
                  <Text size="xs" c="dimmed">
                    {say('credentials_about')}
                  </Text>
                )}
              </div>
              {of.map((field) => (
                <FieldInput key={field.key} field={field} props={form.getInputProps} />
              ))}
            </Stack>
          ),
      )}
    </>
  )
}

function useFaults(readers: Reader[]): (draft: Draft) => Record<string, string> {
  const say = useText()
  const words = useFaultWords()
  return ({ provider, user_id, name, bank_code, settings, credentials }) => {
    const errors: Record<string, string> = {}
    if (user_id.trim() === '') errors['user_id'] = say('required')
    if (name.trim() === '') errors['name'] = say('required')
    if (!isBankCode(bank_code.trim())) errors['bank_code'] = say('bank_code_wrong')
    for (const field of fieldsOf(readers, provider)) {
      if (!isAsked(field, settings)) continue
      const fault = faultOf(field, (field.secret ? credentials : settings)[field.key])
      if (fault) errors[pathOf(field)] = words(field, fault)
    }
    return errors
  }
}

function useMake(fields: readonly Field[], refused: (errors: Record<string, string>) => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: ({ provider, environment, settings, credentials, ...whose }: Draft) => {
      const open = fields.filter(({ secret }) => !secret)
      const sealed = fields.filter(({ secret }) => secret)
      return ask(
        api.POST('/v1/banks', {
          body: {
            ...{ provider, environment },
            user_id: whose.user_id.trim(),
            name: whose.name.trim(),
            bank_code: whose.bank_code.trim(),
            settings: toValues(open, settings, settings),
            credentials: toValues(sealed, credentials, settings),
          },
        }),
      )
    },
    onSuccess: ({ id }) => {
      refresh(client, ['banks', 'connections'])
      navigate(`/banks/${id}`)
    },
    onError: (error) => refused(errorsOf(error)),
  })
}
