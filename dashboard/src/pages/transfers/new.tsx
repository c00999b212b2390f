import { Alert, Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { api, ask, Refusal } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { useAble } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { freshKey } from '../../parts/fresh.ts'
import { money } from '../../parts/money.ts'
import { MoneyInput } from '../../parts/money_input.tsx'
import { Empty, Page, Wrong } from '../../parts/page.tsx'
import { spoken } from '../../text/text.ts'
import { DestinationFields } from './destination_fields.tsx'
import { bodyOf, type Draft, emptyDraft, goesToKey, moneyOf, receiverOf } from './draft.ts'
import { useText } from './new_text.ts'
import { usePolicy } from './reads.ts'
import { useText as useTransferText } from './text.ts'

/** Money is sent: from which account, how much, by which way, to whom, when. */
export function Component() {
  const say = useText()
  const connections = useAble('transfers.create')
  return (
    <Page title={say('new')} about={say('about')}>
      {connections === null ? null : connections.length > 0 ? (
        <TransferForm connections={connections} />
      ) : (
        <Empty
          title={say('no_bank')}
          action={
            <Button component={Link} to="/connections/catalog">
              {say('catalog')}
            </Button>
          }
        >
          {say('no_bank_next')}
        </Empty>
      )}
    </Page>
  )
}

export type Form = UseFormReturnType<Draft>

/** What is missing; the API says what is wrong of what is there. */
function useChecks() {
  const say = useText()
  const missing = (text: string) => (text.trim() === '' ? say('required') : null)
  const inAccount = (text: string, draft: Draft) => (goesToKey(draft) ? null : missing(text))
  return {
    money: { amount: (typed: number | string) => (Number(typed) > 0 ? null : say('required')) },
    destination: {
      pix_key: (text: string, draft: Draft) => (goesToKey(draft) ? missing(text) : null),
      name: (text: string, { method }: Draft) => (method === 'ted' ? missing(text) : null),
      document: inAccount,
      account: {
        bank_code: (text: string, draft: Draft) =>
          draft.method === 'internal' ? null : inAccount(text, draft),
        branch: inAccount,
        number: inAccount,
        check_digit: inAccount,
      },
    },
  }
}

function TransferForm({ connections }: { connections: { id: string; name: string }[] }) {
  const say = useText()
  const may = useMay()
  const [key, setKey] = useState(freshKey)
  const [asked, setAsked] = useState<Draft | null>(null)
  const form = useForm<Draft>({
    onValuesChange: () => setKey(freshKey()), // what is changed after a refusal is another wish
    initialValues: emptyDraft(connections[0]?.id ?? ''),
    validate: useChecks(),
  })
  const sending = useSend(key, (field, detail) => {
    setAsked(null)
    if (field) form.setFieldError(field, detail)
  })
  return (
    <form noValidate onSubmit={form.onSubmit(setAsked)}>
      <Stack maw={760}>
        <Select
          label={say('connection')}
          required
          allowDeselect={false}
          data={connections.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('connection_id')}
        />
        <AmountFields form={form} />
        <DestinationFields form={form} />
        <OtherFields form={form} />
        {sending.error && <Wrong error={sending.error} />}
        <Group>
          <Button type="submit" disabled={!may('transfers:write')}>
            {say('next')}
          </Button>
        </Group>
      </Stack>
      {asked && (
        <Ask
          draft={asked}
          loading={sending.isPending}
          send={() => sending.mutate(asked)}
          close={() => setAsked(null)}
        />
      )}
    </form>
  )
}

function AmountFields({ form }: { form: Form }) {
  const say = useText()
  const word = useTransferText()
  return (
    <Group grow align="flex-start">
      <MoneyInput
        label={word('amount')}
        currency="BRL"
        placeholder={money({ amount: '0', currency: 'BRL' })}
        withAsterisk
        {...form.getInputProps('money.amount')}
      />
      <TextInput
        type="date"
        label={say('day')}
        description={say('day_about')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        {...form.getInputProps('scheduled_for')}
      />
    </Group>
  )
}

function OtherFields({ form }: { form: Form }) {
  const say = useText()
  const word = useTransferText()
  return (
    <Textarea
      label={word('description')}
      description={say('description_about')}
      autosize
      maxLength={140}
      {...form.getInputProps('description')}
    />
  )
}

type AskProps = { draft: Draft; loading: boolean; send: () => void; close: () => void }

/** What is about to happen, before it does. */
function Ask({ draft, loading, send, close }: AskProps) {
  const say = useText()
  const word = useTransferText()
  const amount = moneyOf(draft)
  const waits = useWaits(amount.amount)
  const is_later = draft.scheduled_for !== ''
  const told = { money: money(amount), method: word(draft.method), to: receiverOf(draft) }
  const day = new Date(`${draft.scheduled_for}T12:00`).toLocaleDateString(spoken(), { dateStyle: 'medium' })
  return (
    <Dialog close={close} title={say('sure', told)}>
      <Stack>
        <Text>{is_later ? say('schedules', { ...told, day }) : say('sends', told)}</Text>
        {waits && <Alert color="yellow">{say('waits')}</Alert>}
        <DialogEnd close={close} act={send} loading={loading}>
          {say(waits ? 'ask' : is_later ? 'schedule' : 'send')}
        </DialogEnd>
      </Stack>
    </Dialog>
  )
}

function useWaits(amount: string): boolean {
  const above = usePolicy().data?.approve_above ?? null
  return above !== null && BigInt(amount) > BigInt(above)
}

/** However often it is sent, of one form one transfer is made; `key` names it. */
function useSend(key: string, refused: (field: string | undefined, detail: string) => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (draft: Draft) =>
      ask(api.POST('/v1/transfers', { params: { header: { 'Idempotency-Key': key } }, body: bodyOf(draft) })),
    onSuccess: ({ id }) => {
      refresh(client, ['transfers', 'calls', 'events'])
      navigate(`/transfers/${id}`)
    },
    onError: (error) => {
      const problem = error instanceof Refusal ? error.problem : null
      refused(problem?.field, error.message)
    },
  })
}
