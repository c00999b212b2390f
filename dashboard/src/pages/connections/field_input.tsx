import { PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core'
import type { Field } from './fields.ts'

/** Where a field stands in a form, and in what the server says of it. */
export const pathOf = ({ secret, key }: Field): string => `${secret ? 'credentials' : 'settings'}.${key}`

type InputProps = (path: string, options?: { type: 'checkbox' }) => object

/** One field of a manifest, as the control that fits its type. */
export function FieldInput({ field, props }: { field: Field; props: InputProps }) {
  const path = pathOf(field)
  const common = {
    label: field.label,
    description: field.hint,
    placeholder: field.example,
    withAsterisk: field.required,
    ...props(path),
  }
  if (field.type === 'boolean') {
    const { label, description } = common
    return <Switch label={label} description={description} {...props(path, { type: 'checkbox' })} />
  }
  if (field.enum)
    return <Select {...common} data={[...field.enum]} allowDeselect={!field.required} searchable />
  if (field.multiline || field.type === 'json' || field.type === 'headers')
    return <Lines field={field} common={common} />
  if (field.secret) return <PasswordInput {...common} autoComplete="new-password" />
  return (
    <TextInput
      {...common}
      autoComplete="off"
      spellCheck={false}
      {...(field.type === 'integer' && { inputMode: 'numeric' })}
      {...(field.type === 'url' && { inputMode: 'url' })}
    />
  )
}

const Lines = ({ field, common }: { field: Field; common: object }) => (
  <Textarea
    {...common}
    autosize
    minRows={3}
    maxRows={12}
    autoComplete="off"
    spellCheck={false}
    styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
    {...(field.type === 'headers' &&
      field.example === undefined && { placeholder: '{ "x-header": "text" }' })}
  />
)
