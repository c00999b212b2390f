import { Alert, Button, Code, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconExternalLink } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { Copy } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useConsentText } from './consent_text.ts'
import type { Consent } from './reads.ts'

type Body = { document: string; business_document?: string; expires_at?: string }
type Draft = { document: string; business_document: string; until: string }

const YEAR_MS = 365 * 86_400_000

/** Asks a bank for a consent; the address to send the person to is shown once it answered. */
export function AskConsent({ bank_id, close }: { bank_id: string; close: () => void }) {
  const say = useConsentText()
  const [url, setUrl] = useState<string | null>(null)
  const asking = useAct({
    act: (body: Body) =>
      ask(
        api.POST('/v1/banks/{id}/consents', {
          params: { path: { id: bank_id } },
          body: { ...body, ...comingBackTo(bank_id) },
        }),
      ),
    changes: ['banks'],
  })
  const begin = (body: Body) => asking.mutate(body, { onSuccess: ({ redirect_url }) => setUrl(redirect_url) })
  if (url !== null) return <SendPerson url={url} close={close} />
  return (
    <Dialog title={say('ask')} close={close}>
      <PersonForm about={say('ask_about')} verb={say('ask')} is_busy={asking.isPending} act={begin} />
    </Dialog>
  )
}

/** In the name of the person, who is here: nobody is sent anywhere. */
export function ExtendConsent({ of: { id }, close }: { of: Consent; close: () => void }) {
  const say = useConsentText()
  const extending = useAct({
    act: (body: Body) => ask(api.POST('/v1/bank-consents/{id}/extend', { params: { path: { id } }, body })),
    done: say('extended'),
    changes: ['banks'],
  })
  return (
    <Dialog title={say('extend')} close={close}>
      <PersonForm
        about={say('extend_about')}
        verb={say('extend')}
        is_busy={extending.isPending}
        act={(body) => extending.mutate(body, { onSuccess: close })}
      />
    </Dialog>
  )
}

/** The bank knows this address for a minute: it is shown, and followed or sent on by hand. */
export function SendPerson({ url, close }: { url: string; close: () => void }) {
  const say = useConsentText()
  return (
    <Dialog title={say('ready')} close={close}>
      <Stack>
        <Alert color="yellow">{say('ready_about')}</Alert>
        <Group gap={4} wrap="nowrap">
          <Code
            style={{ flex: 1, overflowX: 'auto', whiteSpace: 'nowrap' }}
            tabIndex={0}
            aria-label={say('address')}
          >
            {url}
          </Code>
          <Copy text={url} />
        </Group>
        <Group justify="flex-end">
          <Button
            component="a"
            href={url}
            target="_blank"
            rel="noopener noreferrer"
            leftSection={<IconExternalLink size={16} />}
            onClick={close}
          >
            {say('open')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

/** The page of the bank, where its address can be come back to. */
export function comingBackTo(bank_id: string): { return_to?: string } {
  const { origin, protocol, hostname } = window.location
  const can_return = protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1'
  return can_return ? { return_to: `${origin}/banks/${bank_id}?tab=consents` } : {}
}

type PersonFormProps = { about: string; verb: string; is_busy: boolean; act: (body: Body) => void }

function PersonForm({ about, verb, is_busy, act }: PersonFormProps) {
  const say = useConsentText()
  const form = useForm<Draft>({
    initialValues: { document: '', business_document: '', until: '' },
    validateInputOnChange: true,
    validate: {
      document: (typed) => (/^[0-9]{11}$/.test(bare(typed)) ? null : say('cpf_wrong')),
      business_document: (typed) =>
        typed === '' || /^[0-9A-Z]{14}$/.test(bare(typed)) ? null : say('cnpj_wrong'),
      until: (day) => (day === '' || isWithinAYear(day) ? null : say('end_wrong')),
    },
  })
  return (
    <form noValidate onSubmit={form.onSubmit((draft) => act(bodyOf(draft)))}>
      <Stack>
        <Text size="sm">{about}</Text>
        <TextInput
          label={say('cpf')}
          description={say('cpf_about')}
          placeholder="529.982.247-25"
          withAsterisk
          inputMode="numeric"
          autoComplete="off"
          data-autofocus
          {...form.getInputProps('document')}
        />
        <TextInput label={say('cnpj')} autoComplete="off" {...form.getInputProps('business_document')} />
        <TextInput
          type="date"
          label={say('end')}
          description={say('end_about')}
          {...form.getInputProps('until')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={is_busy}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** As people write them: 529.982.247-25, 00.000.000/0001-91. */
const bare = (typed: string): string => typed.replace(/[\s./-]/g, '').toUpperCase()

const endOf = (day: string): Date => new Date(`${day}T12:00:00`)

function isWithinAYear(day: string): boolean {
  const ahead = endOf(day).getTime() - Date.now()
  return ahead > 0 && ahead < YEAR_MS
}

const bodyOf = ({ document, business_document, until }: Draft): Body => ({
  document: bare(document),
  ...(business_document !== '' && { business_document: bare(business_document) }),
  ...(until !== '' && { expires_at: endOf(until).toISOString() }),
})
