import { Alert, Badge, Button, Card, Group, Stack, Switch, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { FieldInput } from '../connections/field_input.tsx'
import { type Drafts, type Field, faultOf, toDrafts, toValues } from '../connections/fields.ts'
import { useFaultWords } from '../connections/form_text.ts'
import type { OneSource } from './source.tsx'
import { useText } from './vendor_text.ts'

type At = paths['/v1/sources/{id}/registration']
type Registered = At['get']['responses'][200]['content']['application/json']
type Wanted = At['post']['requestBody']['content']['application/json']

/** Soon again for as long as the vendor is awaited: nothing tells of that. */
const WAITING_MS = 1_500

const COLORS: Record<Registered['state'], string> = {
  unregistered: 'gray',
  registering: 'blue',
  registered: 'teal',
  failed: 'red',
  unregistering: 'blue',
}

const isAwaited = (one: Registered | undefined): boolean =>
  one?.state === 'registering' || one?.state === 'unregistering'

function useRegistration(id: string) {
  const key = ['sources', 'registration', id] as const
  const known = useQueryClient().getQueryData<Registered>(key)
  return useRead(key, () => ask(api.GET('/v1/sources/{id}/registration', { params: { path: { id } } })), {
    ...(isAwaited(known) && { every_ms: WAITING_MS }),
  })
}

type Props = { of: OneSource; fields: readonly Field[] }

/** Whether the vendor was told the address of a source, and by which button it is. `fields` is what it wants to know. */
export function Registration({ of, fields }: Props) {
  const say = useText()
  const read = useRegistration(of.id)
  return (
    <Card withBorder>
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} size="h4">
              {say('registration')}
            </Title>
            {read.data && <Told state={read.data.state} />}
          </Group>
          {read.data && <Actions of={of} told={read.data} fields={fields} />}
        </Group>
        <Text size="sm" c="dimmed">
          {say('registration_about')}
        </Text>
        <Shown read={read}>{(told) => <ToldFacts of={told} fields={fields} />}</Shown>
        {of.connection_id === null && <Text size="sm">{say('needs_connection')}</Text>}
      </Stack>
    </Card>
  )
}

function Told({ state }: { state: Registered['state'] }) {
  const say = useText()
  return (
    <Badge variant="light" color={COLORS[state]} tt="none" miw="max-content" role="status">
      {say(state)}
    </Badge>
  )
}

function ToldFacts({ of, fields }: { of: Registered; fields: readonly Field[] }) {
  const say = useText()
  const target = fields.map(({ key, label }) => ({ name: label, value: of.target[key] }))
  return (
    <>
      {of.error && <Alert color={of.state === 'failed' ? 'red' : 'yellow'}>{of.error}</Alert>}
      {(of.vendor_id !== null || target.some(({ value }) => value)) && (
        <Facts
          of={[
            ...target,
            { name: say('vendor_id'), value: of.vendor_id },
            { name: say('since'), value: of.registered_at && <When at={of.registered_at} exact /> },
            { name: say('calls'), value: of.url, whole: true },
          ]}
        />
      )}
    </>
  )
}

function Actions({ of, told, fields }: Props & { told: Registered }) {
  const say = useText()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  const params = { path: { id: of.id } }
  const register = useAct({
    act: (body: Wanted) => ask(api.POST('/v1/sources/{id}/registration', { params, body })),
    done: say('asked'),
    changes: ['sources'],
  })
  const is_told = told.vendor_id !== null
  const needs_form = fields.length > 0 && !is_told
  if (!may('sources:write') || told.state === 'unregistering') return null
  if (of.connection_id === null) {
    return (
      <Button size="xs" variant="default" component={Link} to={`/inbound/sources/${of.id}/edit`}>
        {say('choose_connection')}
      </Button>
    )
  }
  return (
    <Group gap="xs">
      {told.state !== 'unregistered' && <Unregister id={of.id} />}
      <Button
        size="xs"
        variant={is_told ? 'default' : 'filled'}
        loading={register.isPending || told.state === 'registering'}
        onClick={() => (needs_form ? setOpen(true) : register.mutate({ target: told.target }))}
      >
        {say(is_told ? 'renew' : 'register')}
      </Button>
      {is_open && (
        <TargetForm
          fields={fields}
          told={told}
          act={(wanted) => register.mutate(wanted, { onSuccess: () => setOpen(false) })}
          is_busy={register.isPending}
          close={() => setOpen(false)}
        />
      )}
    </Group>
  )
}

function Unregister({ id }: { id: string }) {
  const say = useText()
  const unregister = useAct({
    act: () => ask(api.DELETE('/v1/sources/{id}/registration', { params: { path: { id } } })),
    done: say('unregistering_now'),
    changes: ['sources'],
  })
  return (
    <Confirm
      size="xs"
      variant="light"
      color="red"
      question={say('unregister_sure')}
      verb={say('unregister')}
      act={() => unregister.mutateAsync()}
    />
  )
}

type TargetProps = {
  fields: readonly Field[]
  told: Registered
  act: (wanted: Wanted) => void
  is_busy: boolean
  close: () => void
}

/** What the vendor wants to know beside the address, as its manifest asks for it. */
function TargetForm({ fields, told, act, is_busy, close }: TargetProps) {
  const say = useText()
  const faultWords = useFaultWords()
  const form = useForm<{ settings: Drafts; replace: boolean }>({
    initialValues: { settings: toDrafts(fields, told.target), replace: false },
    validate: ({ settings }) =>
      Object.fromEntries(
        fields.flatMap((field) => {
          const fault = faultOf(field, settings[field.key])
          return fault ? [[`settings.${field.key}`, faultWords(field, fault)]] : []
        }),
      ),
  })
  const submit = form.onSubmit(({ settings, replace }) =>
    act({
      target: toValues(fields, settings, settings) as Record<string, string>, // all of them text
      ...(replace && { replace }),
    }),
  )
  return (
    <Dialog close={close} title={say('register')}>
      <form noValidate onSubmit={submit}>
        <Stack>
          {fields.map((field) => (
            <FieldInput key={field.key} field={field} props={form.getInputProps} />
          ))}
          <Switch
            label={say('replace')}
            description={say('replace_about')}
            {...form.getInputProps('replace', { type: 'checkbox' })}
          />
          <DialogEnd close={close} loading={is_busy}>
            {say('register')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
