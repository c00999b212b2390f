import { SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { useIsLive } from './live_only.tsx'
import { ShownOnce } from './once.tsx'
import { ScopePicker } from './scopes.tsx'

const useText = texts('settings_key_form', {
  en: {
    title: 'New API key',
    example: 'Billing service',
    environment: 'Environment',
    live: 'Live',
    test: 'Test',
    apart: 'Test and live never meet: a test key sees test connections alone.',
    expires: 'Expires',
    never: 'Never',
    days: 'In {{n}} days',
    year: 'In a year',
    key: 'Key',
  },
  'pt-BR': {
    title: 'Nova chave de API',
    example: 'Serviço de cobrança',
    environment: 'Ambiente',
    live: 'Produção',
    test: 'Teste',
    apart: 'Teste e produção não se misturam: uma chave de teste só vê conexões de teste.',
    expires: 'Expira',
    never: 'Nunca',
    days: 'Em {{n}} dias',
    year: 'Em um ano',
    key: 'Chave',
  },
})

const DAY_MS = 86_400_000

/** Makes a key, and shows it the one time it can be shown. */
export function NewKey({ close }: { close: () => void }) {
  const say = useText()
  const word = useWords()
  const { environment } = useSession()
  const [made, setMade] = useState<{ name: string; key: string } | null>(null)
  const form = useForm({
    initialValues: { name: '', environment, scopes: ['connections:read', 'calls:*'], days: '' },
  })
  const make = useAct({
    act: async ({ days, ...body }: typeof form.values) => {
      const expires_at = new Date(Date.now() + Number(days) * DAY_MS).toISOString()
      setMade(await ask(api.POST('/v1/keys', { body: { ...body, ...(days !== '' && { expires_at }) } })))
    },
    changes: ['keys', 'audit'],
  })
  if (made)
    return <ShownOnce title={made.name} secrets={[{ name: say('key'), value: made.key }]} close={close} />
  return (
    <Dialog close={close} title={say('title')} size="lg">
      <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
        <Stack>
          <TextInput
            label={word('name')}
            placeholder={say('example')}
            required
            maxLength={100}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <EnvironmentChoice
            value={form.values.environment}
            onChange={(value) => form.setFieldValue('environment', value)}
          />
          <Select
            label={say('expires')}
            allowDeselect={false}
            data={[
              { value: '', label: say('never') },
              ...['30', '90', '180'].map((n) => ({ value: n, label: say('days', { n }) })),
              { value: '365', label: say('year') },
            ]}
            {...form.getInputProps('days')}
          />
          <ScopePicker
            value={form.values.scopes}
            onChange={(scopes) => form.setFieldValue('scopes', scopes)}
          />
          <DialogEnd close={close} loading={make.isPending} disabled={form.values.scopes.length === 0}>
            {word('create')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

type ChoiceProps = { value: 'live' | 'test'; onChange: (value: 'live' | 'test') => void }

export function EnvironmentChoice({ value, onChange }: ChoiceProps) {
  const say = useText()
  const is_live = useIsLive()
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {say('environment')}
      </Text>
      <SegmentedControl
        value={value}
        onChange={(chosen) => onChange(chosen === 'live' ? 'live' : 'test')}
        aria-label={say('environment')}
        data={[
          { value: 'test', label: say('test') },
          // Who looks at test makes nothing live.
          { value: 'live', label: say('live'), disabled: !is_live },
        ]}
      />
      <Text size="xs" c="dimmed" mt={4}>
        {say('apart')}
      </Text>
    </div>
  )
}
