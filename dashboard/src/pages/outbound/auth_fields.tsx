import { PasswordInput, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core'
import type { Subscription } from '../../api/names.ts'
import { useText } from './form_text.ts'
import { AUTH_FIELDS, type AuthType, type Draft } from './subscription_draft.ts'
import type { SubscriptionForm } from './subscription_form.tsx'

const TYPES = Object.keys(AUTH_FIELDS) as AuthType[]

const fieldsOf = (type: Draft['auth_type']) => (type === 'keep' || type === 'none' ? [] : AUTH_FIELDS[type])

/** How we authenticate at the receiver. What is set is not shown again: it is kept, or typed anew. */
export function AuthFields({ form, of }: { form: SubscriptionForm; of: Subscription | null }) {
  const say = useText()
  const { auth_type } = form.values
  const choices = [
    ...(of?.auth ? [{ value: 'keep', label: say('auth_keep', { type: of.auth.type }) }] : []),
    { value: 'none', label: say('auth_none') },
    ...TYPES.map((value) => ({ value: value as string, label: say(`auth_${value}`) })),
  ]
  const choose = (value: string | null) => {
    const type = (value ?? 'none') as Draft['auth_type']
    form.setFieldValue('auth', Object.fromEntries(fieldsOf(type).map(({ key }) => [key, ''])))
    form.setFieldValue('auth_type', type)
  }
  const fields = fieldsOf(auth_type)
  return (
    <>
      <Select label={say('auth')} allowDeselect={false} data={choices} value={auth_type} onChange={choose} />
      {fields.length > 0 && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {fields.map(({ key, secret, lines, optional, choices: data }) => {
            const common = { label: say(key), required: !optional, ...form.getInputProps(`auth.${key}`) }
            if (data) return <Select key={key} {...common} data={data} />
            if (secret) return <PasswordInput key={key} {...common} autoComplete="new-password" />
            if (lines) return <Textarea key={key} {...common} rows={3} placeholder="-----BEGIN …" />
            return <TextInput key={key} {...common} autoComplete="off" />
          })}
        </SimpleGrid>
      )}
    </>
  )
}
