import { Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { type Money, toMinor, toUnits } from '../../parts/money.ts'
import { MoneyInput } from '../../parts/money_input.tsx'
import { useText } from './text.ts'

type AmountProps = {
  title: string
  about: string
  most: Money
  with_reason?: boolean
  act: (wanted: { amount: string; reason?: string }) => Promise<unknown>
  close: () => void
}

/** How much, at most all that is left: asked before money moves. */
export function AmountDialog({ title, about, most, with_reason = false, act, close }: AmountProps) {
  const say = useText()
  const form = useForm({ initialValues: { amount: toUnits(most) as number | string, reason: '' } })
  const submit = form.onSubmit(async ({ amount, reason }) => {
    form.setSubmitting(true)
    const wanted = { amount: toMinor(Number(amount), most.currency), ...(reason && { reason }) }
    await act(wanted).then(close, () => form.setSubmitting(false))
  })
  return (
    <Dialog close={close} title={title}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{about}</Text>
          <MoneyInput
            label={say('amount')}
            currency={most.currency}
            max={toUnits(most)}
            required
            data-autofocus
            {...form.getInputProps('amount')}
          />
          {with_reason && (
            <TextInput
              label={say('reason')}
              description={say('reason_about')}
              maxLength={100}
              {...form.getInputProps('reason')}
            />
          )}
          <DialogEnd close={close} color={with_reason ? 'red' : undefined} loading={form.submitting}>
            {title}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
