import {
  Accordion,
  Fieldset,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { JsonField } from '../../parts/json_field.tsx'
import { useText as useOptionText } from './option_text.ts'
import { Answer, Decisions } from './source_answer.tsx'
import type { SourceForm } from './source_form.tsx'
import { useText } from './source_text.ts'

/** What may be set about a source of any provider; what is usual stands there already. */
export function SourceOptions({ form, is_wrong }: { form: SourceForm; is_wrong: boolean }) {
  const say = useText()
  const word = useOptionText()
  const [is_open, setOpen] = useState(false)
  const open = is_open || is_wrong ? 'options' : null // what is wrong is not hidden
  return (
    <Accordion variant="contained" value={open} onChange={(value) => setOpen(value !== null)}>
      <Accordion.Item value="options">
        <Accordion.Control>{say('options')}</Accordion.Control>
        <Accordion.Panel>
          <Stack>
            <Part title={word('wanted')}>
              <Lists form={form} />
              <Copies form={form} />
            </Part>
            <Part title={word('order')}>
              <Order form={form} />
            </Part>
            <Part title={word('door')}>
              <Door form={form} />
            </Part>
            <Part title={word('answer')}>
              <Answer form={form} />
            </Part>
            <Part title={word('decisions')}>
              <Decisions form={form} />
            </Part>
            <Part title={word('content')}>
              <Guards form={form} />
            </Part>
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <Fieldset legend={title}>
    <Stack>{children}</Stack>
  </Fieldset>
)

function Lists({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Textarea
        label={say('event_types')}
        description={say('event_types_about')}
        placeholder="payment_intent.*"
        autosize
        minRows={2}
        {...form.getInputProps('options.event_types')}
      />
      <Textarea
        label={say('allowed_ips')}
        description={say('allowed_ips_about')}
        placeholder="54.187.174.169"
        autosize
        minRows={2}
        {...form.getInputProps('options.allowed_ips')}
      />
    </SimpleGrid>
  )
}

function Order({ form }: { form: SourceForm }) {
  const say = useText()
  const word = useOptionText()
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: 'end' }}>
        <Select
          label={say('order_by')}
          allowDeselect={false}
          data={(['settings', 'provider', 'none'] as const).map((value) => ({
            value,
            label: say(`order_${value}`),
          }))}
          {...form.getInputProps('options.order_by')}
        />
        <NumberInput
          label={say('gap')}
          suffix={` ${say('seconds')}`}
          min={0}
          max={86_400}
          allowDecimal={false}
          {...form.getInputProps('options.gap_timeout_s')}
        />
        <Select
          label={say('on_failure')}
          allowDeselect={false}
          data={(['skip', 'park', 'block'] as const).map((value) => ({ value, label: say(`fail_${value}`) }))}
          {...form.getInputProps('options.on_failure')}
        />
        {form.values.options.on_failure === 'skip' && (
          <NumberInput
            label={word('skip_after')}
            suffix={` ${word('attempts')}`}
            min={1}
            max={21}
            allowDecimal={false}
            {...form.getInputProps('options.skip_after')}
          />
        )}
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
  const word = useOptionText()
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: 'end' }}>
        <Select
          label={say('duplicates')}
          allowDeselect={false}
          data={(['event_id', 'body', 'fields'] as const).map((value) => ({
            value,
            label: say(`dup_${value}`),
          }))}
          {...form.getInputProps('options.duplicates_by')}
        />
        <NumberInput
          label={word('window')}
          placeholder={word('window_kept')}
          suffix={` ${word('hours')}`}
          min={1}
          max={87_600}
          allowDecimal={false}
          {...form.getInputProps('options.window_hours')}
        />
      </SimpleGrid>
      {form.values.options.duplicates_by === 'fields' && (
        <Textarea
          label={say('dup_fields_list')}
          placeholder="data.order.id"
          autosize
          minRows={2}
          {...form.getInputProps('options.duplicates_fields')}
        />
      )}
    </>
  )
}

/** How it is told things, by whom, and how often at most. */
function Door({ form }: { form: SourceForm }) {
  const say = useText()
  const word = useOptionText()
  return (
    <>
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
          allowDecimal={false}
          {...form.getInputProps('options.rate_requests')}
        />
        <NumberInput
          label={say('rate_per')}
          suffix={` ${say('seconds')}`}
          min={1}
          max={86_400}
          allowDecimal={false}
          {...form.getInputProps('options.rate_per_s')}
        />
        <NumberInput
          label={say('body_limit')}
          suffix=" B"
          thousandSeparator=" "
          min={1_024}
          max={67_108_864}
          allowDecimal={false}
          {...form.getInputProps('options.body_limit_bytes')}
        />
        <NumberInput
          label={say('quarantine_limit')}
          min={0}
          max={100_000}
          allowDecimal={false}
          {...form.getInputProps('options.quarantine_limit')}
        />
      </SimpleGrid>
      <Switch
        label={word('access_token')}
        description={word('access_token_about')}
        {...form.getInputProps('options.access_token', { type: 'checkbox' })}
      />
    </>
  )
}

/** What of a body is read and kept: filter, mapping and schema are free, and stay JSON. */
function Guards({ form }: { form: SourceForm }) {
  const say = useText()
  return (
    <>
      <Switch
        label={say('encrypt')}
        {...form.getInputProps('options.encrypt_bodies', { type: 'checkbox' })}
      />
      {(['filter', 'mapping', 'schema'] as const).map((part) => (
        <JsonField
          key={part}
          label={say(part)}
          description={say(`${part}_about`)}
          autosize
          minRows={3}
          {...form.getInputProps(`options.${part}`)}
        />
      ))}
    </>
  )
}
