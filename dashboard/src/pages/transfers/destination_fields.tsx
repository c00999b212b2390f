import { Fieldset, Group, Input, SegmentedControl, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { goesToKey, type Kind } from './draft.ts'
import type { Form } from './new.tsx'
import { useText } from './new_text.ts'
import { METHODS, type Method } from './reads.ts'
import { useText as useTransferText } from './text.ts'

const KINDS = ['checking', 'savings', 'payment'] as const satisfies readonly Kind[]

/** So that fields side by side stand on one line, whichever has a hint. */
const HINT_BELOW: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error']

/** By which way, and to whom. */
export function DestinationFields({ form }: { form: Form }) {
  const say = useText()
  const word = useTransferText()
  const { method, is_to_key } = form.values
  const is_key = goesToKey(form.values)
  const choose = (chosen: Method) => {
    form.setFieldValue('method', chosen)
    if (chosen !== 'pix') form.setFieldValue('destination.account.kind', 'checking') // a payment account takes Pix alone
  }
  return (
    <Fieldset legend={word('destination')}>
      <Stack>
        <Group gap="lg">
          <Input.Wrapper label={word('method')} labelElement="div">
            <Group mt={4}>
              <SegmentedControl
                aria-label={word('method')}
                data={METHODS.map((value) => ({ value, label: word(value) }))}
                value={method}
                onChange={(value) => choose(value as Method)}
              />
            </Group>
          </Input.Wrapper>
          {method === 'pix' && (
            <Input.Wrapper label={say('where')} labelElement="div">
              <Group mt={4}>
                <SegmentedControl
                  aria-label={say('where')}
                  data={(['key', 'account'] as const).map((value) => ({ value, label: say(value) }))}
                  value={is_to_key ? 'key' : 'account'}
                  onChange={(value) => form.setFieldValue('is_to_key', value === 'key')}
                />
              </Group>
            </Input.Wrapper>
          )}
        </Group>
        {is_key ? (
          <TextInput
            label={word('pix_key')}
            description={say('pix_key_about')}
            withAsterisk
            maxLength={77}
            spellCheck={false}
            autoComplete="off"
            {...form.getInputProps('destination.pix_key')}
          />
        ) : (
          <AccountFields form={form} />
        )}
        <PersonFields form={form} />
      </Stack>
    </Fieldset>
  )
}

function AccountFields({ form }: { form: Form }) {
  const say = useText()
  const word = useTransferText()
  const { method } = form.values
  const at = (name: string) => form.getInputProps(`destination.account.${name}`)
  return (
    <>
      {method !== 'internal' && (
        <TextInput
          label={word('bank_code')}
          description={say('bank_about')}
          withAsterisk
          maxLength={10}
          {...at('bank_code')}
        />
      )}
      <SimpleGrid cols={{ base: 2, sm: 4 }} verticalSpacing="sm">
        <TextInput
          label={word('branch')}
          description={say('branch_about')}
          inputWrapperOrder={HINT_BELOW}
          withAsterisk
          inputMode="numeric"
          maxLength={8}
          {...at('branch')}
        />
        <TextInput
          label={word('account_number')}
          description={say('number_about')}
          inputWrapperOrder={HINT_BELOW}
          withAsterisk
          inputMode="numeric"
          maxLength={20}
          {...at('number')}
        />
        <TextInput label={say('check_digit')} withAsterisk maxLength={2} {...at('check_digit')} />
        <Select
          label={word('kind')}
          allowDeselect={false}
          data={KINDS.filter((kind) => method === 'pix' || kind !== 'payment').map((value) => ({
            value,
            label: word(value),
          }))}
          {...at('kind')}
        />
      </SimpleGrid>
    </>
  )
}

function PersonFields({ form }: { form: Form }) {
  const say = useText()
  const word = useTransferText()
  const { method } = form.values
  const is_key = goesToKey(form.values)
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextInput
        label={word('name')}
        description={say('document_about')}
        withAsterisk={method === 'ted'}
        maxLength={120}
        autoComplete="off"
        {...form.getInputProps('destination.name')}
      />
      <TextInput
        label={word('document')}
        description={say(is_key ? 'document_key' : 'document_about')}
        withAsterisk={!is_key}
        maxLength={18}
        autoComplete="off"
        {...form.getInputProps('destination.document')}
      />
    </SimpleGrid>
  )
}
