import { SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { api, ask } from '../../api/client.ts'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { Wrong } from '../../parts/page.tsx'
import { AddressFields, EMPTY_ADDRESS, toAddress } from './address_fields.tsx'
import { useText } from './manage_text.ts'

const EMPTY = {
  name: '',
  first_name: '',
  last_name: '',
  email: '',
  phone_number: '',
  address: EMPTY_ADDRESS,
}
type Draft = typeof EMPTY

type Props = { connection_id: string; made: (vendor_id: string) => void; close: () => void }

/** Who holds a card, as its vendor knows people: made there, and known here by the vendor's id alone. */
export function NewCardholder({ connection_id, made, close }: Props) {
  const say = useText()
  const form = useForm<Draft>({ initialValues: EMPTY })
  const making = useMutation({
    mutationFn: (draft: Draft) => make(connection_id, draft),
    onSuccess: made,
  })
  return (
    <Dialog close={close} size="lg" title={say('new_holder')}>
      <form onSubmit={form.onSubmit((draft) => making.mutate(draft))}>
        <Stack>
          <Text size="sm">{say('new_holder_about')}</Text>
          <TextInput
            label={say('printed_name')}
            description={say('printed_name_about')}
            required
            maxLength={24}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label={say('first_name')} maxLength={200} {...form.getInputProps('first_name')} />
            <TextInput label={say('last_name')} maxLength={200} {...form.getInputProps('last_name')} />
            <TextInput label={say('email')} type="email" maxLength={200} {...form.getInputProps('email')} />
            <TextInput label={say('phone')} maxLength={30} {...form.getInputProps('phone_number')} />
          </SimpleGrid>
          <AddressFields props={form.getInputProps} at="address" />
          {making.error && <Wrong error={making.error} />}
          <DialogEnd close={close} loading={making.isPending}>
            {say('new_holder')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

async function make(connection_id: string, { address, ...draft }: Draft): Promise<string> {
  const typed = Object.fromEntries(
    Object.entries(draft).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])),
  )
  const body = {
    operation: 'cards.create_cardholder',
    input: { ...typed, kind: 'individual', address: toAddress(address) },
  }
  const call = await ask(
    api.POST('/v1/connections/{id}/calls', { params: { path: { id: connection_id } }, body }),
  )
  const { vendor_id } = ('result' in call ? (call.result ?? {}) : {}) as { vendor_id?: string }
  if (call.state !== 'succeeded' || vendor_id === undefined) throw new Error(call.error ?? call.state)
  return vendor_id
}
