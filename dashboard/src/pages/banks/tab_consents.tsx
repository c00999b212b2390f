import { Button, Card, Group, Stack, Text } from '@mantine/core'
import { IconExternalLink } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Id } from '../../parts/id.tsx'
import { Empty, Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { AskConsent, comingBackTo, ExtendConsent, SendPerson } from './consent_forms.tsx'
import { ConsentBadge, ConsentEnd, ConsentSteps } from './consent_state.tsx'
import { useConsentText } from './consent_text.ts'
import { type Bank, type Consent, useConsents, useManners } from './reads.ts'

/** What the person let us read, from the asking to its end, newest first. */
export function ConsentsTab({ of }: { of: Bank }) {
  const say = useConsentText()
  const read = useConsents(of.id)
  return (
    <Shown read={read}>
      {({ data }) => (
        <Stack>
          <Group>
            <AskButton of={of} />
          </Group>
          {data.length === 0 && <Empty title={say('none')}>{say('none_next')}</Empty>}
          {data.map((consent) => (
            <ConsentCard key={consent.id} of={consent} bank={of} />
          ))}
        </Stack>
      )}
    </Shown>
  )
}

function AskButton({ of }: { of: Bank }) {
  const say = useConsentText()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  if (!may('banking:write')) return null
  return (
    <>
      <Button size="sm" onClick={() => setOpen(true)}>
        {say('ask')}
      </Button>
      {is_open && <AskConsent bank_id={of.id} close={() => setOpen(false)} />}
    </>
  )
}

function ConsentCard({ of, bank }: { of: Consent; bank: Bank }) {
  const say = useConsentText()
  return (
    <Card withBorder>
      <Stack gap="md">
        <Group justify="space-between">
          <Group gap="sm">
            <ConsentBadge of={of} />
            <Text size="sm" component="div">
              <ConsentEnd of={of} />
            </Text>
            <Id of={of.id} />
          </Group>
          <ConsentActions of={of} bank={bank} />
        </Group>
        <ConsentSteps of={of} />
        <Facts
          of={[
            { name: say('made'), value: <When at={of.created_at} exact /> },
            { name: say('agreed'), value: of.authorised_at && <When at={of.authorised_at} exact /> },
            { name: say('vendor_id'), value: of.vendor_id },
            { name: say('why'), value: of.rejection && <Why of={of.rejection} />, whole: true },
            { name: say('told'), value: of.revocation && say(`told_${of.revocation}`) },
            { name: say('permissions'), value: of.permissions.join(', '), whole: true },
          ]}
        />
      </Stack>
    </Card>
  )
}

function Why({ of: { code, by, detail } }: { of: NonNullable<Consent['rejection']> }) {
  return <>{[code, by, detail].filter(Boolean).join(' · ')}</>
}

function ConsentActions({ of, bank }: { of: Consent; bank: Bank }) {
  const may = useMay()
  const manners = useManners(bank.provider)
  if (!may('banking:write')) return null
  return (
    <Group gap="xs">
      {of.state === 'AWAITING_AUTHORISATION' && <Visit of={of} />}
      {of.state === 'AUTHORISED' && manners.extends && <Extend of={of} />}
      {of.revocation === 'failed' && <TellAgain of={of} />}
      {(of.state === 'AWAITING_AUTHORISATION' || of.state === 'AUTHORISED') && <Revoke of={of} />}
    </Group>
  )
}

/** Another address: that of the asking is over after a minute. */
function Visit({ of }: { of: Consent }) {
  const say = useConsentText()
  const [url, setUrl] = useState<string | null>(null)
  const visit = useAct({
    act: () =>
      ask(
        api.POST('/v1/bank-consents/{id}/visit', {
          params: { path: { id: of.id } },
          body: comingBackTo(of.bank_id),
        }),
      ),
  })
  return (
    <>
      <Button
        size="sm"
        leftSection={<IconExternalLink size={16} />}
        loading={visit.isPending}
        onClick={() => visit.mutate(undefined, { onSuccess: ({ redirect_url }) => setUrl(redirect_url) })}
      >
        {say('visit')}
      </Button>
      {url !== null && <SendPerson url={url} close={() => setUrl(null)} />}
    </>
  )
}

function Extend({ of }: { of: Consent }) {
  const say = useConsentText()
  const [is_open, setOpen] = useState(false)
  return (
    <>
      <Button size="sm" variant="default" onClick={() => setOpen(true)}>
        {say('extend')}
      </Button>
      {is_open && <ExtendConsent of={of} close={() => setOpen(false)} />}
    </>
  )
}

/** It is over here; the bank is told so anew. */
function TellAgain({ of }: { of: Consent }) {
  const say = useConsentText()
  const telling = useAct({
    act: () => ask(api.DELETE('/v1/bank-consents/{id}', { params: { path: { id: of.id } } })),
    done: say('telling'),
    changes: ['banks'],
  })
  return (
    <Button size="sm" variant="default" loading={telling.isPending} onClick={() => telling.mutate()}>
      {say('tell_again')}
    </Button>
  )
}

function Revoke({ of }: { of: Consent }) {
  const say = useConsentText()
  const revoking = useAct({
    act: () => ask(api.DELETE('/v1/bank-consents/{id}', { params: { path: { id: of.id } } })),
    done: say('revoked'),
    changes: ['banks'],
  })
  const is_held = of.state === 'AUTHORISED'
  const verb = say(is_held ? 'revoke' : 'give_up')
  return (
    <Confirm
      size="sm"
      variant="light"
      color="red"
      question={say(is_held ? 'revoke_sure' : 'give_up_sure')}
      verb={verb}
      act={() => revoking.mutateAsync()}
    />
  )
}
