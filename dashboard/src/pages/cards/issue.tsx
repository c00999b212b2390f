import { Button, Fieldset, Group, Radio, Select, Stack, Switch, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { useAble } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { freshKey } from '../../parts/fresh.ts'
import { Empty, Page, Wrong } from '../../parts/page.tsx'
import { AddressFields } from './address_fields.tsx'
import { NewCardholder } from './cardholder.tsx'
import { bodyOf, CURRENCIES, type Draft, emptyDraft, SERVICES } from './issue_draft.ts'
import { LimitFields } from './limit_fields.tsx'
import { useText } from './manage_text.ts'
import { useText as useCards } from './text.ts'

/** A card is issued: by which connection, for whom, of which kind, and within which limits. */
export function Component() {
  const say = useText()
  const connections = useAble('cards.issue')
  return (
    <Page title={say('issue')} about={say('issue_about')}>
      {connections === null ? null : connections.length > 0 ? (
        <IssueForm connections={connections} />
      ) : (
        <Empty
          title={say('no_issuer')}
          action={
            <Button component={Link} to="/connections/catalog">
              {say('catalog')}
            </Button>
          }
        >
          {say('no_issuer_next')}
        </Empty>
      )}
    </Page>
  )
}

type Form = UseFormReturnType<Draft>
type Choice = { id: string; name: string }

function IssueForm({ connections }: { connections: Choice[] }) {
  const say = useText()
  const word = useCards()
  const may = useMay()
  const [key, setKey] = useState(freshKey)
  const form = useForm<Draft>({
    onValuesChange: () => setKey(freshKey()), // what is changed after a refusal is another wish
    initialValues: { ...emptyDraft(), connection_id: connections[0]?.id ?? '' },
    validate: {
      cardholder: (typed) => (typed.trim() === '' ? say('required') : null),
    },
  })
  const issuing = useIssue(key)
  const { kind, currency, limits } = form.values
  return (
    <form onSubmit={form.onSubmit((draft) => issuing.mutate(draft))}>
      <Stack maw={760}>
        <Select
          label={word('connection')}
          required
          allowDeselect={false}
          data={connections.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('connection_id')}
        />
        <Holder form={form} />
        <Radio.Group label={word('kind')} {...form.getInputProps('kind')}>
          <Group mt="xs">
            <Radio value="virtual" label={word('virtual')} />
            <Radio value="physical" label={word('physical')} />
          </Group>
        </Radio.Group>
        <Select
          label={word('currency')}
          required
          allowDeselect={false}
          data={[...CURRENCIES]}
          {...form.getInputProps('currency')}
        />
        <TextInput
          label={word('customer_of')}
          description={say('customer_about')}
          maxLength={128}
          {...form.getInputProps('customer')}
        />
        <Switch
          label={say('active')}
          description={say('active_about')}
          {...form.getInputProps('active', { type: 'checkbox' })}
        />
        <Fieldset legend={word('limits')}>
          <LimitFields
            value={limits}
            change={(value) => form.setFieldValue('limits', value)}
            currency={currency}
          />
        </Fieldset>
        {kind === 'physical' && <ShippingFields form={form} />}
        {issuing.error && <Wrong error={issuing.error} />}
        <Group>
          <Button type="submit" loading={issuing.isPending} disabled={!may('cards:write')}>
            {say('issue')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Holder({ form }: { form: Form }) {
  const say = useText()
  const word = useCards()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  return (
    <>
      <Group align="flex-end" gap="xs">
        <TextInput
          label={word('cardholder')}
          description={say('cardholder_about')}
          withAsterisk
          flex={1}
          miw={220}
          maxLength={255}
          autoComplete="off"
          {...form.getInputProps('cardholder')}
        />
        {may('calls:write') && (
          <Button variant="default" onClick={() => setOpen(true)}>
            {say('new_holder')}
          </Button>
        )}
      </Group>
      {is_open && (
        <NewCardholder
          connection_id={form.values.connection_id}
          made={(id) => {
            form.setFieldValue('cardholder', id)
            setOpen(false)
          }}
          close={() => setOpen(false)}
        />
      )}
    </>
  )
}

function ShippingFields({ form }: { form: Form }) {
  const say = useText()
  const word = useCards()
  return (
    <Fieldset legend={word('shipping')}>
      <Stack>
        <TextInput
          label={say('recipient')}
          required
          maxLength={200}
          {...form.getInputProps('shipping.name')}
        />
        <AddressFields props={form.getInputProps} at="shipping.address" />
        <Group grow>
          <TextInput label={say('phone')} maxLength={30} {...form.getInputProps('shipping.phone_number')} />
          <Select
            label={say('service')}
            clearable
            data={SERVICES.map((value) => ({ value, label: say(value) }))}
            {...form.getInputProps('shipping.service')}
          />
        </Group>
      </Stack>
    </Fieldset>
  )
}

/** However often it is sent, of one form one card is made; `key` names it. */
function useIssue(key: string) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (draft: Draft) =>
      ask(api.POST('/v1/cards', { params: { header: { 'Idempotency-Key': key } }, body: bodyOf(draft) })),
    onSuccess: ({ id }) => {
      refresh(client, ['cards', 'calls', 'events'])
      navigate(`/cards/${id}`)
    },
  })
}
