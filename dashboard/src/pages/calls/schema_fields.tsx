import { Fieldset, NumberInput, Select, Stack, Switch, TextInput } from '@mantine/core'
import { JsonField } from '../../parts/json_field.tsx'

/** As much of JSON Schema as our operations use. */
export type Schema = {
  type?: string
  title?: string
  description?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  minimum?: number
  maximum?: number
}

type FieldsProps = {
  of: Schema
  value: Record<string, unknown>
  change: (value: Record<string, unknown>) => void
}

/** A form made from the schema of an operation's input; what is left empty is not sent. */
export function SchemaFields({ of, value, change }: FieldsProps) {
  return (
    <Stack gap="sm">
      {Object.entries(of.properties ?? {}).map(([name, schema]) => (
        <One
          key={name}
          name={name}
          of={schema}
          required={of.required?.includes(name) ?? false}
          value={value[name]}
          change={(one) => {
            const { [name]: _, ...rest } = value
            change(one === undefined ? rest : { ...rest, [name]: one })
          }}
        />
      ))}
    </Stack>
  )
}

type OneProps = {
  name: string
  of: Schema
  required: boolean
  value: unknown
  change: (value: unknown) => void
}

function One({ name, of, required, value, change }: OneProps) {
  const common = { label: name, description: of.description, withAsterisk: required }
  const choices = choicesOf(of)
  if (choices) {
    return (
      <Select
        {...common}
        clearable={!required}
        data={choices}
        value={typeof value === 'string' ? value : null}
        onChange={(one) => change(one ?? undefined)}
      />
    )
  }
  if (of.type === 'boolean') {
    return (
      <Switch
        label={name}
        description={of.description}
        checked={value === true}
        onChange={({ currentTarget }) => change(currentTarget.checked)}
      />
    )
  }
  if (of.type === 'integer' || of.type === 'number') {
    return (
      <NumberInput
        {...common}
        min={of.minimum}
        max={of.maximum}
        allowDecimal={of.type === 'number'}
        value={typeof value === 'number' ? value : ''}
        onChange={(one) => change(typeof one === 'number' ? one : undefined)}
      />
    )
  }
  if (of.type === 'string') {
    return (
      <TextInput
        {...common}
        value={typeof value === 'string' ? value : ''}
        onChange={({ currentTarget }) => change(currentTarget.value || undefined)}
      />
    )
  }
  if (of.type === 'object' && of.properties) {
    const inner = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    return (
      <Fieldset legend={required ? `${name} *` : name} variant="filled">
        <SchemaFields
          of={of}
          value={inner}
          change={(one) => change(Object.keys(one).length > 0 ? one : undefined)}
        />
      </Fieldset>
    )
  }
  return <Free {...common} value={value} change={change} />
}

/** What has no form of its own is written as JSON; while it is none, nothing of it is sent. */
function Free({
  value,
  change,
  ...common
}: {
  label: string
  value: unknown
  change: (value: unknown) => void
}) {
  return (
    <JsonField
      {...common}
      autosize
      minRows={2}
      defaultValue={value === undefined ? '' : JSON.stringify(value, null, 2)}
      onChange={(text) => {
        try {
          change(text.trim() === '' ? undefined : JSON.parse(text))
        } catch {
          change(undefined)
        }
      }}
    />
  )
}

function choicesOf({ enum: list, anyOf }: Schema): string[] | null {
  const values = list ?? (anyOf?.every((one) => 'const' in one) ? anyOf.map((one) => one.const) : null)
  return values?.every((one) => typeof one === 'string') ? values : null
}
