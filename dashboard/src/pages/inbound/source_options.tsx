import {
  Accordion,
  JsonInput,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core'
import type { SourceForm } from './source_form.tsx'
import { useText } from './source_text.ts'

/** What may be set about a source of any provider; what is usual stands there already. */
export function SourceOptions({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <Accordion variant="contained">
      <Accordion.Item value="options">
        <Accordion.Control>{say('options')}</Accordion.Control>
        <Accordion.Panel>
          <Stack>
            <Lists form={form} />
            <Order form={form} />
            <Copies form={form} />
            <Door form={form} />
            <Guards form={form} />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

function Lists({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Textarea
        label={say('event_types')}
        description={say('event_types_about')}
        autosize
        minRows={2}
        {...form.getInputProps('options.event_types')}
      />
      <Textarea
        label={say('allowed_ips')}
        description={say('allowed_ips_about')}
        autosize
        minRows={2}
        {...form.getInputProps('options.allowed_ips')}
      />
    </SimpleGrid>
  )
}

function Order({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: 'end' }}>
        <Select
          label={say('order_by')}
          allowDeselect={false}
          data={(['settings', 'provider', 'none'] as const).map((value) => ({
            value,
            label: say(`order_${value}`),
          }))}
          {...form.getInputProps('options.order_by')}
        />
        <Select
          label={say('on_failure')}
          allowDeselect={false}
          data={(['skip', 'park', 'block'] as const).map((value) => ({ value, label: say(`fail_${value}`) }))}
          {...form.getInputProps('options.on_failure')}
        />
        <NumberInput
          label={say('gap')}
          suffix={` ${say('seconds')}`}
          min={0}
          max={86_400}
          {...form.getInputProps('options.gap_timeout_s')}
        />
      </SimpleGrid>
      <TextInput
        label={say('retry')}
        description={say('retry_about')}
        {...form.getInputProps('options.retry_schedule_s')}
      />
    </>
  )
}

function Copies({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Select
        label={say('duplicates')}
        allowDeselect={false}
        data={(['event_id', 'body', 'fields'] as const).map((value) => ({
          value,
          label: say(`dup_${value}`),
        }))}
        {...form.getInputProps('options.duplicates_by')}
      />
      {form.values.options.duplicates_by === 'fields' && (
        <Textarea
          label={say('dup_fields_list')}
          placeholder="data.order.id"
          autosize
          minRows={2}
          {...form.getInputProps('options.duplicates_fields')}
        />
      )}
    </SimpleGrid>
  )
}

/** How it is told things, and how often at most. */
function Door({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: 'end' }}>
      <MultiSelect
        label={say('methods')}
        data={['POST', 'PUT', 'PATCH', 'GET']}
        {...form.getInputProps('options.methods')}
      />
      <NumberInput
        label={say('rate_requests')}
        placeholder={say('rate_none')}
        min={1}
        max={10_000_000}
        {...form.getInputProps('options.rate_requests')}
      />
      <NumberInput
        label={say('rate_per')}
        suffix={` ${say('seconds')}`}
        min={1}
        max={86_400}
        {...form.getInputProps('options.rate_per_s')}
      />
    </SimpleGrid>
  )
}

function Guards({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: 'end' }}>
        <NumberInput
          label={say('body_limit')}
          suffix=" B"
          thousandSeparator=" "
          min={1_024}
          max={67_108_864}
          {...form.getInputProps('options.body_limit_bytes')}
        />
        <NumberInput
          label={say('quarantine_limit')}
          min={0}
          max={100_000}
          {...form.getInputProps('options.quarantine_limit')}
        />
      </SimpleGrid>
      {(['filter', 'mapping', 'schema'] as const).map((part) => (
        <JsonInput
          key={part}
          label={say(part)}
          description={say(`${part}_about`)}
          autosize
          minRows={3}
          {...form.getInputProps(`options.${part}`)}
        />
      ))}
      <Switch
        label={say('encrypt')}
        {...form.getInputProps('options.encrypt_bodies', { type: 'checkbox' })}
      />
    </>
  )
}
