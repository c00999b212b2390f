import {
  Fieldset,
  Group,
  Input,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from '@mantine/core'
import { METHODS, type Method } from './draft.ts'
import type { Form } from './new.tsx'
import { useText } from './new_text.ts'
import { useText as usePaymentText } from './text.ts'

/** So that fields side by side stand on one line, whichever has a hint. */
const HINT_BELOW: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error']

/** By which means it is paid, and what each of them wants to know. */
export function MethodFields({ form }: { form: Form }) {
  const word = usePaymentText()
  const { method } = form.values
  return (
    <Fieldset legend={word('method')}>
      <Stack>
        <SegmentedControl
          aria-label={word('method')}
          data={METHODS.map((value) => ({ value, label: word(value) }))}
          value={method}
          onChange={(value) => form.setFieldValue('method', value as Method)}
        />
        {method === 'card' ? <CardFields form={form} /> : <BillFields form={form} />}
      </Stack>
    </Fieldset>
  )
}

function CardFields({ form }: { form: Form }) {
  const say = useText()
  const word = usePaymentText()
  return (
    <>
      <TextInput
        label={say('source')}
        description={say('source_about')}
        maxLength={255}
        spellCheck={false}
        autoComplete="off"
        {...form.getInputProps('source')}
      />
      <Group align="flex-start" gap="lg">
        <Input.Wrapper label={word('capture_how')} labelElement="div">
          <Group mt={4}>
            <SegmentedControl
              aria-label={word('capture_how')}
              data={(['automatic', 'manual'] as const).map((value) => ({ value, label: word(value) }))}
              {...form.getInputProps('capture')}
            />
          </Group>
        </Input.Wrapper>
        <NumberInput
          label={say('installments')}
          w={130}
          min={1}
          max={24}
          allowDecimal={false}
          placeholder="1"
          {...form.getInputProps('installments')}
        />
      </Group>
      <TextInput
        type="url"
        label={say('return_url')}
        description={say('return_url_about')}
        maxLength={2000}
        autoComplete="off"
        {...form.getInputProps('return_url')}
      />
    </>
  )
}

function BillFields({ form }: { form: Form }) {
  const say = useText()
  const word = usePaymentText()
  const { method } = form.values
  const is_pix = method === 'pix'
  return (
    <>
      {is_pix && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={say('pix_key')}
            description={say('pix_key_about')}
            inputWrapperOrder={HINT_BELOW}
            maxLength={77}
            autoComplete="off"
            {...form.getInputProps('pix_key')}
          />
          <NumberInput
            label={say('expires')}
            description={say('expires_about')}
            inputWrapperOrder={HINT_BELOW}
            min={1}
            max={525_600}
            allowDecimal={false}
            suffix={` ${say('minutes')}`}
            {...form.getInputProps('expires_in_min')}
          />
        </SimpleGrid>
      )}
      <TextInput
        type="date"
        label={word('due')}
        description={is_pix ? say('due_about') : undefined}
        withAsterisk={!is_pix}
        {...form.getInputProps('due_date')}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={say('payer')}
          description={say('payer_about')}
          inputWrapperOrder={HINT_BELOW}
          withAsterisk={!is_pix}
          maxLength={200}
          autoComplete="off"
          {...form.getInputProps('payer.name')}
        />
        <TextInput
          label={say('document')}
          withAsterisk={!is_pix}
          maxLength={18}
          autoComplete="off"
          {...form.getInputProps('payer.document')}
        />
      </SimpleGrid>
      <Textarea
        label={say('instructions')}
        description={say('instructions_about')}
        autosize
        minRows={2}
        {...form.getInputProps('instructions')}
      />
    </>
  )
}
