import { Group, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import type { RowOf } from '../../api/types.ts'
import { JsonField } from '../../parts/json_field.tsx'
import { type Schema, SchemaFields } from './schema_fields.tsx'
import { type Draft, isJson, METHODS } from './tester_draft.ts'
import { useText } from './tester_text.ts'

export type TesterForm = UseFormReturnType<Draft>
export type Operation = RowOf<'/v1/connections/{id}/operations'>

const MONO = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }

/** A request as it goes over the wire, but for what the connection adds: address, credentials, headers. */
export function RequestFields({ form }: { form: TesterForm }) {
  const say = useText()
  const { method } = form.values
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <Select
          w={120}
          label={say('method')}
          allowDeselect={false}
          data={[...METHODS]}
          {...form.getInputProps('method')}
        />
        <TextInput flex={1} label={say('path')} spellCheck={false} {...form.getInputProps('path')} />
      </Group>
      <Group grow align="flex-start">
        <Textarea
          label={say('query')}
          description={say('query_about')}
          autosize
          minRows={2}
          styles={MONO}
          {...form.getInputProps('query')}
        />
        <Textarea
          label={say('headers')}
          description={say('headers_about')}
          autosize
          minRows={2}
          styles={MONO}
          {...form.getInputProps('headers')}
        />
      </Group>
      {method !== 'GET' && method !== 'HEAD' && (
        <>
          <Textarea
            label={say('body')}
            description={say('body_about')}
            autosize
            minRows={5}
            maxRows={24}
            spellCheck={false}
            styles={MONO}
            {...form.getInputProps('body')}
          />
          <Select
            w={260}
            label={say('encoding')}
            allowDeselect={false}
            data={[
              { value: 'json', label: 'JSON' },
              { value: 'form', label: 'application/x-www-form-urlencoded' },
            ]}
            {...form.getInputProps('encoding')}
          />
        </>
      )}
    </Stack>
  )
}

/** An operation by its name, its input as a form made from its schema or as JSON. */
export function OperationFields({ form, operations }: { form: TesterForm; operations: Operation[] }) {
  const say = useText()
  const [how, setHow] = useState('form')
  const { operation, input } = form.values
  const one = operations.find(({ name }) => name === operation)
  const schema = one?.input_schema as Schema | null | undefined
  const choose = (name: string | null) => {
    form.setFieldValue('operation', name)
    form.setFieldValue('input', '{}')
  }
  if (operations.length === 0) return <Text c="dimmed">{say('no_operations')}</Text>
  const has_form = schema?.properties !== undefined && isJson(input)
  return (
    <Stack gap="sm">
      <Select
        label={say('operation')}
        description={one?.description}
        searchable
        data={operations.map(({ name }) => name)}
        value={operation}
        onChange={choose}
        error={form.errors['operation']}
      />
      {one && has_form && (
        <SegmentedControl
          size="xs"
          aria-label={say('input')}
          value={how}
          onChange={setHow}
          data={[
            { value: 'form', label: say('form') },
            { value: 'json', label: say('json') },
          ]}
          style={{ alignSelf: 'flex-start' }}
        />
      )}
      {one && has_form && how === 'form' ? (
        <SchemaFields
          key={operation}
          of={schema}
          value={JSON.parse(input) as Record<string, unknown>}
          change={(value) => form.setFieldValue('input', JSON.stringify(value, null, 2))}
        />
      ) : (
        one && (
          <JsonField
            label={say('input')}
            autosize
            minRows={6}
            maxRows={24}
            styles={MONO}
            {...form.getInputProps('input')}
          />
        )
      )}
    </Stack>
  )
}
