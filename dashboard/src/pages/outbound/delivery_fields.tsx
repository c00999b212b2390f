import { Accordion, NumberInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useText } from './form_text.ts'
import type { SubscriptionForm } from './subscription_form.tsx'

/** How deliveries are made: their order, their rate, their patience. What is empty is as the server does. */
export function DeliveryFields({ form, is_new }: { form: SubscriptionForm; is_new: boolean }) {
  const say = useText()
  return (
    <Accordion variant="contained">
      <Accordion.Item value="more">
        <Accordion.Control>{say('more')}</Accordion.Control>
        <Accordion.Panel>
          <Stack>
            <Order form={form} />
            <Pace form={form} />
            <Patience form={form} />
            <Form form={form} is_new={is_new} />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

function Order({ form }: { form: SubscriptionForm }) {
  const say = useText()
  const { order_per } = form.values
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      <Select
        label={say('order')}
        allowDeselect={false}
        data={(['none', 'subscription', 'key'] as const).map((value) => ({
          value,
          label: say(`order_${value}`),
        }))}
        {...form.getInputProps('order_per')}
      />
      {order_per === 'key' && (
        <TextInput
          label={say('order_path')}
          placeholder="data.payment.vendor_id"
          {...form.getInputProps('order_key')}
        />
      )}
      {order_per !== 'none' && (
        <Select
          label={say('on_failure')}
          allowDeselect={false}
          data={(['block', 'park', 'skip'] as const).map((value) => ({ value, label: say(`fail_${value}`) }))}
          {...form.getInputProps('on_failure')}
        />
      )}
    </SimpleGrid>
  )
}

function Pace({ form }: { form: SubscriptionForm }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      <NumberInput label={say('rate_count')} min={1} max={100_000} {...form.getInputProps('rate_count')} />
      <NumberInput label={say('rate_per')} min={1} max={86_400} {...form.getInputProps('rate_per_s')} />
      <NumberInput
        label={say('max_concurrency')}
        min={1}
        max={1_000}
        {...form.getInputProps('max_concurrency')}
      />
      <NumberInput
        label={say('weight')}
        description={say('weight_about')}
        min={1}
        max={100}
        allowDecimal={false}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        {...form.getInputProps('weight')}
      />
    </SimpleGrid>
  )
}

function Patience({ form }: { form: SubscriptionForm }) {
  const say = useText()
  return (
    <>
      <TextInput
        label={say('retry')}
        description={say('retry_about')}
        {...form.getInputProps('retry_schedule_s')}
      />
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <NumberInput
          label={say('timeout')}
          suffix=" ms"
          min={1_000}
          max={60_000}
          {...form.getInputProps('timeout_ms')}
        />
        <NumberInput
          label={say('expire')}
          suffix=" s"
          min={1}
          max={2_592_000}
          {...form.getInputProps('expire_after_s')}
        />
        <NumberInput
          label={say('disable_after')}
          title={say('disable_about')}
          suffix=" h"
          min={1}
          max={8_760}
          {...form.getInputProps('disable_after_hours')}
        />
      </SimpleGrid>
    </>
  )
}

function Form({ form, is_new }: { form: SubscriptionForm; is_new: boolean }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Select
        label={say('content_type')}
        allowDeselect={false}
        data={[
          { value: 'json', label: 'JSON' },
          { value: 'form', label: 'application/x-www-form-urlencoded' },
        ]}
        {...form.getInputProps('content_type')}
      />
      {is_new && (
        <Select
          label={say('signature')}
          allowDeselect={false}
          data={[
            { value: 'v1', label: say('v1') },
            { value: 'v1a', label: say('v1a') },
          ]}
          {...form.getInputProps('signature')}
        />
      )}
    </SimpleGrid>
  )
}
