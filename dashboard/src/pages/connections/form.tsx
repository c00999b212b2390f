import {
  Accordion,
  Alert,
  Button,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Refusal } from '../../api/client.ts'
import { Wrong } from '../../parts/page.tsx'
import { FieldInput, pathOf } from './field_input.tsx'
import { type Drafts, type Field, faultOf, isAsked, toDrafts, toValues } from './fields.ts'
import { useFaultWords, useFormText } from './form_text.ts'
import { LimitFields } from './limit_fields.tsx'
import { type LimitDrafts, toLimitDrafts, toLimits } from './limits.ts'
import { type Environment, useNames } from './names.ts'
import type { OneConnection, Provider } from './reads.ts'
import { useEnvironments, useUsualEnvironment } from './world.ts'

export type Values = {
  name: string
  environment: Environment
  settings: Drafts
  credentials: Drafts
  limits: LimitDrafts
  keep_days: number | string
  call_events: OneConnection['call_events']
}

/** What is sent: of the credentials only where they are typed anew. */
export type Input = {
  name: string
  environment: Environment
  settings: Record<string, unknown>
  limits: OneConnection['limits']
  keep_bodies: { until_days: number } | null
  call_events: OneConnection['call_events']
  credentials?: Record<string, unknown>
}

type FormProps<Saved> = {
  provider: Provider
  /** Absent where the connection is made. */
  of?: OneConnection
  verb: string
  save: (input: Input) => Promise<Saved>
  then: (saved: Saved) => void
}

/** The form of a connection, made from its provider's manifest; what the server refuses is said at its field. */
export function ConnectionForm<Saved>({ provider, of, verb, save, then }: FormProps<Saved>) {
  const say = useFormText()
  const [replaces, setReplaces] = useState(of === undefined)
  const open = provider.fields.filter((field) => !field.secret)
  const secret = provider.fields.filter((field) => field.secret)
  const usual = useUsualEnvironment()
  const faults = useFaults(provider)
  const form = useForm<Values>({
    initialValues: valuesOf(provider, of, usual),
    validateInputOnChange: true,
    validate: (values) => faults(values, replaces || needsNew(secret, values.settings, of)),
  })
  const { settings } = form.values
  const is_forced = needsNew(secret, settings, of)
  const typed = replaces || is_forced
  const saving = useMutation({
    mutationFn: (values: Values) => save(inputOf(provider, values, of, typed)),
    onSuccess: (saved) => {
      form.resetDirty()
      form.setFieldValue('credentials', toDrafts(secret, {}))
      setReplaces(of === undefined)
      then(saved)
    },
    onError: (error) => form.setErrors(errorsOf(error)),
  })
  const asked = (fields: readonly Field[]) => fields.filter((field) => isAsked(field, settings))
  return (
    <form noValidate onSubmit={form.onSubmit((values) => saving.mutate(values), focusFirst)}>
      <Stack gap="lg" maw={760}>
        <Basics form={form} />
        {open.length > 0 && (
          <Section title={say('settings')}>
            {asked(open).map((field) => (
              <FieldInput key={field.key} field={field} props={form.getInputProps} />
            ))}
          </Section>
        )}
        {asked(secret).length > 0 && (
          <Section title={say('credentials')} about={say(of ? 'secrets_kept' : 'secrets')}>
            {of && !is_forced && (
              <Switch
                label={say('replace')}
                checked={replaces}
                onChange={({ currentTarget }) => setReplaces(currentTarget.checked)}
              />
            )}
            {of && is_forced && <Alert color="yellow">{say('forced')}</Alert>}
            {typed &&
              asked(secret).map((field) => (
                <FieldInput key={field.key} field={field} props={form.getInputProps} />
              ))}
          </Section>
        )}
        <More form={form} />
        {saving.error && !isSaidAtFields(saving.error, provider.fields) && <Wrong error={saving.error} />}
        <Group>
          <Button type="submit" loading={saving.isPending}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function valuesOf(provider: Provider, of: OneConnection | undefined, environment: Environment): Values {
  const secret = provider.fields.filter((field) => field.secret)
  const open = provider.fields.filter((field) => !field.secret)
  return {
    name: of?.name ?? provider.name,
    environment: of?.environment ?? environment,
    settings: toDrafts(open, of?.settings ?? {}),
    credentials: toDrafts(secret, {}),
    limits: toLimitDrafts(of?.limits ?? {}),
    keep_days: of?.keep_bodies?.until_days ?? '',
    call_events: of?.call_events ?? 'none',
  }
}

function inputOf(
  { fields }: Provider,
  values: Values,
  of: OneConnection | undefined,
  has_credentials: boolean,
): Input {
  const { name, environment, settings, credentials, keep_days, call_events } = values
  const open = fields.filter((field) => !field.secret)
  const secret = fields.filter((field) => field.secret)
  return {
    name: name.trim(),
    environment,
    settings: toValues(open, settings, settings),
    limits: toLimits(values.limits, of?.limits ?? {}),
    keep_bodies: keep_days === '' ? null : { until_days: Number(keep_days) },
    call_events,
    ...(has_credentials && { credentials: toValues(secret, credentials, settings) }),
  }
}

/** Whether the credentials that are set no longer fit what the settings ask for. */
function needsNew(secret: readonly Field[], settings: Drafts, of: OneConnection | undefined): boolean {
  if (!of) return false
  const asked = secret.filter((field) => isAsked(field, settings))
  return (
    asked.some((field) => field.required && !of.credentials.includes(field.key)) ||
    of.credentials.some((key) => !asked.some((field) => field.key === key))
  )
}

type Errors = Record<string, string>

function useFaults({ fields }: Provider): (values: Values, with_secrets: boolean) => Errors {
  const say = useFormText()
  const words = useFaultWords()
  return ({ name, settings, credentials }, with_secrets) => {
    const errors: Errors = {}
    if (name.trim() === '') errors['name'] = say('required')
    for (const field of fields) {
      if (!isAsked(field, settings) || (field.secret && !with_secrets)) continue
      const fault = faultOf(field, (field.secret ? credentials : settings)[field.key])
      if (fault) errors[pathOf(field)] = words(field, fault)
    }
    return errors
  }
}

/** What the server refused, by its field. */
export function errorsOf(error: Error): Errors {
  const listed = error instanceof Refusal ? (error.problem?.errors ?? []) : []
  return Object.fromEntries(listed.map(({ field, reason }) => [field, reason]))
}

/** Whether all that is wrong is said at fields that are there to be seen. */
export function isSaidAtFields(error: Error, fields: readonly Field[]): boolean {
  const listed = Object.keys(errorsOf(error))
  return listed.length > 0 && listed.every((path) => fields.some((field) => pathOf(field) === path))
}

/** Whoever does not see the form is led to what is wrong first. */
export function focusFirst(
  _errors: object,
  _values: object,
  event?: { currentTarget: unknown } | null,
): void {
  const form = event?.currentTarget
  requestAnimationFrame(() => {
    if (form instanceof HTMLFormElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  })
}

function Basics({ form }: { form: UseFormReturnType<Values> }) {
  const say = useFormText()
  const names = useNames()
  const environments = useEnvironments()
  return (
    <Group align="flex-start" grow preventGrowOverflow={false}>
      <TextInput
        label={say('name')}
        description={say('name_about')}
        maxLength={100}
        withAsterisk
        miw={240}
        {...form.getInputProps('name')}
      />
      <Select
        label={names('environment')}
        description={say('environment_about')}
        allowDeselect={false}
        miw={240}
        data={environments.map((one) => ({ value: one, label: names(one) }))}
        {...form.getInputProps('environment')}
      />
    </Group>
  )
}

const CALL_EVENTS = ['none', 'failures', 'all'] as const

function More({ form }: { form: UseFormReturnType<Values> }) {
  const say = useFormText()
  return (
    <Accordion variant="contained" chevronPosition="left">
      <Accordion.Item value="limits">
        <Accordion.Control>{say('limits')}</Accordion.Control>
        <Accordion.Panel>
          <LimitFields form={form} />
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="bodies">
        <Accordion.Control>{say('bodies')}</Accordion.Control>
        <Accordion.Panel>
          <NumberInput
            label={say('keep_days')}
            description={say('keep_days_about')}
            min={1}
            max={400}
            allowDecimal={false}
            maw={320}
            {...form.getInputProps('keep_days')}
          />
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="call_events">
        <Accordion.Control>{say('call_events')}</Accordion.Control>
        <Accordion.Panel>
          <Select
            label={say('call_events_of')}
            description={say('call_events_about')}
            allowDeselect={false}
            maw={320}
            data={CALL_EVENTS.map((value) => ({ value, label: say(`call_events_${value}`) }))}
            {...form.getInputProps('call_events')}
          />
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <Stack gap="sm" component="section">
      <div>
        <Title order={2} size="h5">
          {title}
        </Title>
        {about && (
          <Text size="xs" c="dimmed">
            {about}
          </Text>
        )}
      </div>
      {children}
    </Stack>
  )
}
