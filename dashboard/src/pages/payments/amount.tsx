import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { decimalsOf, type Money, toMinor, toUnits } from '../../parts/money.ts'
import { useWords } from '../../parts/words.ts'
import { spoken } from '../../text/text.ts'
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
  const word = useWords()
  const form = useForm({ initialValues: { amount: toUnits(most) as number | string, reason: '' } })
  const submit = form.onSubmit(async ({ amount, reason }) => {
    form.setSubmitting(true)
    const wanted = { amount: toMinor(Number(amount), most.currency), ...(reason && { reason }) }
    await act(wanted).then(close, () => form.setSubmitting(false))
  })
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': word('close') }}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{about}</Text>
          <NumberInput
            label={say('amount')}
            suffix={` ${most.currency}`}
            decimalScale={decimalsOf(most.currency)}
            fixedDecimalScale
            decimalSeparator={spoken() === 'pt-BR' ? ',' : '.'}
            min={10 ** -decimalsOf(most.currency)}
            max={toUnits(most)}
            hideControls
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
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {word('cancel')}
            </Button>
            <Button type="submit" color={with_reason ? 'red' : undefined} loading={form.submitting}>
              {title}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
