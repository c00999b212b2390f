import { PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core'
import type { Field } from '../connections/fields.ts'
import type { SourceForm } from './source_form.tsx'

type SettingFieldProps = { field: Field; form: SourceForm; is_set: boolean }

/** One field of a provider's webhooks, as the control that fits it. A secret that is set need not be typed again. */
export function SettingField({ field, form, is_set }: SettingFieldProps) {
  const path = `settings.${field.key}`
  const common = {
    label: field.label,
    description: field.hint,
    placeholder: field.example,
    required: field.required === true && !(field.secret && is_set),
    ...form.getInputProps(path),
  }
  if (field.type === 'boolean') {
    return (
      <Switch
        label={field.label}
        description={field.hint}
        {...form.getInputProps(path, { type: 'checkbox' })}
      />
    )
  }
  if (field.enum) return <Select {...common} data={[...field.enum]} allowDeselect={!field.required} />
  if (field.secret) return <PasswordInput {...common} autoComplete="new-password" />
  if (field.multiline || field.type === 'json' || field.type === 'headers') {
    return <Textarea {...common} autosize minRows={3} maxRows={12} spellCheck={false} />
  }
  return <TextInput {...common} autoComplete="off" spellCheck={false} />
}
