import { Alert, Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { api, ask, Refusal } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { nameIn, useAble } from '../../api/names.ts'
import { useMay, useSession } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { freshKey } from '../../parts/fresh.ts'
import { money } from '../../parts/money.ts'
import { MoneyInput } from '../../parts/money_input.tsx'
import { Empty, Page, Wrong } from '../../parts/page.tsx'
import { bodyOf, type Draft, emptyDraft, moneyOf } from './draft.ts'
import { MethodFields } from './method_fields.tsx'
import { useText } from './new_text.ts'
import { type Made, PayerStep } from './payer_step.tsx'
import { useRoutes } from './routes/reads.ts'
import { CURRENCIES } from './routes/route_draft.ts'
import { useText as usePaymentText } from './text.ts'

/** Money is asked for: through which connection, how much, by which means, of whom. */
export function Component() {
  const say = useText()
  const connections = useAble('payments.create')
  const routes = useRoutes().data?.data ?? []
  if (!useMay()('payments:write')) {
    return (
      <Page title={say('new')}>
        <Empty title={say('may_not')}>{say('may_not_next')}</Empty>
      </Page>
    )
  }
  return (
    <Page title={say('new')} about={say('about')}>
      {connections === null ? null : connections.length > 0 ? (
        <PaymentForm connections={connections} is_routed={routes.length > 0} />
      ) : (
        <Empty
          title={say('no_vendor')}
          action={
            <Button component={Link} to="/connections/catalog">
              {say('catalog')}
            </Button>
          }
        >
          {say('no_vendor_next')}
        </Empty>
      )}
    </Page>
  )
}

export type Form = UseFormReturnType<Draft>
type Named = { id: string; name: string }

/** What is missing; the API says what is wrong of what is there. */
function useChecks() {
  const say = useText()
  const missing = (text: string) => (text.trim() === '' ? say('required') : null)
  const ofBoleto = (text: string, { method }: Draft) => (method === 'boleto' ? missing(text) : null)
  const ofPayer = (text: string, { method, due_date, payer }: Draft) =>
    method !== 'card' && (due_date !== '' || payer.name !== '' || payer.document !== '')
      ? missing(text)
      : ofBoleto(text, { method } as Draft)
  return {
    money: { amount: (typed: number | string) => (Number(typed) > 0 ? null : say('required')) },
    due_date: ofBoleto,
    payer: { name: ofPayer, document: ofPayer },
  }
}

function PaymentForm({ connections, is_routed }: { connections: Named[]; is_routed: boolean }) {
  const say = useText()
  const [key, setKey] = useState(freshKey)
  const [asked, setAsked] = useState<Draft | null>(null)
  const form = useForm<Draft>({
    onValuesChange: () => setKey(freshKey()), // what is changed after a refusal is another wish
    initialValues: emptyDraft(connections[0]?.id ?? ''),
    validate: useChecks(),
  })
  const making = useMake(key, (field, detail) => {
    setAsked(null)
    if (field) form.setFieldError(field, detail)
  })
  if (making.data) return <PayerStep of={making.data} />
  return (
    <form noValidate onSubmit={form.onSubmit(setAsked)}>
      <Stack maw={760}>
        <Where form={form} connections={connections} is_routed={is_routed} />
        <Amount form={form} />
        <MethodFields form={form} />
        <Others form={form} />
        {making.error && <Wrong error={making.error} />}
        <Group>
          <Button type="submit">{say('next')}</Button>
        </Group>
      </Stack>
      {asked && (
        <Ask
          draft={asked}
          connections={connections}
          loading={making.isPending}
          make={() => making.mutate(asked)}
          close={() => setAsked(null)}
        />
      )}
    </form>
  )
}

type WhereProps = { form: Form; connections: Named[]; is_routed: boolean }

function Where({ form, connections, is_routed }: WhereProps) {
  const say = useText()
  const word = usePaymentText()
  const named = connections.map(({ id, name }) => ({ value: id, label: name }))
  return (
    <Select
      label={word('connection')}
      required
      allowDeselect={false}
      data={is_routed ? [{ value: '', label: say('by_route') }, ...named] : named}
      {...form.getInputProps('connection_id')}
    />
  )
}

function Amount({ form }: { form: Form }) {
  const say = useText()
  const word = usePaymentText()
  const { currency } = form.values.money
  return (
    <Group align="flex-start">
      <MoneyInput
        label={word('amount')}
        currency={currency}
        rightSection={null}
        withAsterisk
        flex={1}
        miw={180}
        {...form.getInputProps('money.amount')}
      />
      <Select
        label={say('currency')}
        w={110}
        allowDeselect={false}
        data={[...CURRENCIES]}
        {...form.getInputProps('money.currency')}
      />
    </Group>
  )
}

function Others({ form }: { form: Form }) {
  const say = useText()
  const word = usePaymentText()
  return (
    <>
      <TextInput
        label={word('customer')}
        description={say('customer_about')}
        maxLength={255}
        autoComplete="off"
        {...form.getInputProps('customer')}
      />
      <Textarea label={word('description')} autosize maxLength={500} {...form.getInputProps('description')} />
    </>
  )
}

type AskProps = { draft: Draft; connections: Named[]; loading: boolean; make: () => void; close: () => void }

/** What is about to happen, before it does. */
function Ask({ draft, connections, loading, make, close }: AskProps) {
  const say = useText()
  const word = usePaymentText()
  const { environment } = useSession()
  const { method, source, capture, connection_id } = draft
  const is_at_once = method === 'card' && source.trim() !== ''
  const is_held = is_at_once && capture === 'manual'
  const told = {
    money: money(moneyOf(draft)),
    method: word(method),
    source: source.trim(),
    connection: connection_id === '' ? say('routed') : nameIn(connections, connection_id),
  }
  return (
    <Dialog close={close} title={say('sure', told)}>
      <Stack>
        <Text>{say(is_held ? 'holds' : is_at_once ? 'charges' : 'begins', told)}</Text>
        {environment === 'live' && <Alert color="yellow">{say('live')}</Alert>}
        <DialogEnd close={close} act={make} loading={loading}>
          {say(is_held ? 'hold' : is_at_once ? 'charge' : 'make')}
        </DialogEnd>
      </Stack>
    </Dialog>
  )
}

/** However often it is sent, of one form one payment is made; `key` names it. */
function useMake(key: string, refused: (field: string | undefined, detail: string) => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (draft: Draft): Promise<Made> =>
      ask(api.POST('/v1/payments', { params: { header: { 'Idempotency-Key': key } }, body: bodyOf(draft) })),
    onSuccess: ({ id, action }) => {
      refresh(client, ['payments', 'calls', 'events'])
      if (action === null) navigate(`/payments/${id}`) // else what the payer has to do is told this once
    },
    onError: (error) => {
      const problem = error instanceof Refusal ? error.problem : null
      refused(problem?.field, error.message)
    },
  })
}
