import { Badge, Button, Code, Group, List, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { refresh, useAct } from '../../api/hooks.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Shown, Wrong } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { AuthorizeButton, CONSENT } from './authorize.tsx'
import { useCredentialText } from './credential_text.ts'
import { FieldInput, pathOf } from './field_input.tsx'
import { type Drafts, type Field, faultOf, isAsked, toDrafts, toValues } from './fields.ts'
import { errorsOf, focusFirst, isSaidAtFields } from './form.tsx'
import { useFaultWords } from './form_text.ts'
import { type OneConnection, type Provider, useAuthorization, useProvider } from './reads.ts'
import { Part } from './stat.tsx'
import { useRights } from './world.ts'

/** What the connection is let in by: which credentials are set, how old they are, and new ones in their place. */
export function CredentialsTab({ of }: { of: OneConnection }) {
  const provider = useProvider(of.provider)
  return (
    <Stack>
      <Shown read={provider}>{(one) => <Credentials of={of} provider={one} />}</Shown>
      <Authorization of={of} />
    </Stack>
  )
}

function Credentials({ of, provider }: { of: OneConnection; provider: Provider }) {
  const say = useCredentialText()
  const may = useRights(of)
  const [is_open, setOpen] = useState(false)
  const open = provider.fields.filter((field) => !field.secret)
  const settings = toDrafts(open, of.settings)
  const asked = provider.fields.filter((field) => field.secret && isAsked(field, settings))
  return (
    <Part
      title={say('title')}
      about={say('about')}
      actions={
        may.write &&
        asked.length > 0 &&
        !is_open && (
          <Button size="xs" variant="light" onClick={() => setOpen(true)}>
            {say('replace')}
          </Button>
        )
      }
    >
      {asked.length === 0 ? <Text size="sm">{say('none')}</Text> : <SetOrNot of={of} asked={asked} />}
      {is_open && <Replace of={of} asked={asked} settings={settings} close={() => setOpen(false)} />}
    </Part>
  )
}

function SetOrNot({ of, asked }: { of: OneConnection; asked: Field[] }) {
  const say = useCredentialText()
  return (
    <>
      <List size="sm" spacing={6} listStyleType="none">
        {asked.map(({ key, label }) => {
          const is_set = of.credentials.includes(key)
          return (
            <List.Item key={key}>
              <Group gap="xs">
                {label}
                <Code>{key}</Code>
                <Badge size="sm" variant="light" color={is_set ? 'teal' : 'gray'} tt="none">
                  {say(is_set ? 'set' : 'not_set')}
                </Badge>
              </Group>
            </List.Item>
          )
        })}
      </List>
      {of.credentials_set_at && (
        <Text size="sm" c="dimmed" mt="sm">
          {say('age')}: <When at={of.credentials_set_at} />
        </Text>
      )}
    </>
  )
}

type ReplaceProps = { of: OneConnection; asked: Field[]; settings: Drafts; close: () => void }

/** All of them are typed anew: what is not given is gone. */
function Replace({ of, asked, settings, close }: ReplaceProps) {
  const say = useCredentialText()
  const words = useWords()
  const faultWords = useFaultWords()
  const client = useQueryClient()
  const form = useForm({
    initialValues: { credentials: toDrafts(asked, {}) },
    validateInputOnChange: true,
    validate: ({ credentials }) =>
      Object.fromEntries(
        asked.flatMap((field) => {
          const fault = faultOf(field, credentials[field.key])
          return fault ? [[pathOf(field), faultWords(field, fault)]] : []
        }),
      ),
  })
  const saving = useMutation({
    mutationFn: (drafts: Drafts) =>
      ask(
        api.PATCH('/v1/connections/{id}', {
          params: { path: { id: of.id } },
          body: { credentials: toValues(asked, drafts, settings) },
        }),
      ),
    onSuccess: () => {
      refresh(client, ['connections'])
      close()
    },
    onError: (error) => form.setErrors(errorsOf(error)),
  })
  return (
    <form noValidate onSubmit={form.onSubmit(({ credentials }) => saving.mutate(credentials), focusFirst)}>
      <Stack mt="md" maw={560}>
        <Text size="sm">{say('replace_about')}</Text>
        {asked.map((field) => (
          <FieldInput key={field.key} field={field} props={form.getInputProps} />
        ))}
        {saving.error && !isSaidAtFields(saving.error, asked) && <Wrong error={saving.error} />}
        <Group>
          <Button type="submit" loading={saving.isPending}>
            {say('replace')}
          </Button>
          <Button variant="default" onClick={close}>
            {words('cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** What was obtained with them: a token, or the consent of a person at the vendor's page. */
function Authorization({ of }: { of: OneConnection }) {
  const say = useCredentialText()
  const may = useRights(of)
  const read = useAuthorization(of.id)
  const forgetting = useAct({
    act: () => ask(api.DELETE('/v1/connections/{id}/authorization', { params: { path: { id: of.id } } })),
    done: say('forgotten'),
    changes: ['connections'],
  })
  const { data } = read
  // A key that is sent as it is has no token, and nothing to tell of.
  const has_token = data && (data.auth === CONSENT || data.state !== 'not_connected')
  if (!has_token) return null
  return (
    <Part
      title={say('authorization')}
      about={data.auth === CONSENT ? say('consent_about') : say('token_about')}
    >
      <Stack gap="sm">
        <Facts
          of={[
            { name: say('state'), value: say(data.state) },
            { name: say('authorized_at'), value: <When at={data.authorized_at} /> },
            { name: say('expires_at'), value: data.expires_at && <When at={data.expires_at} exact /> },
            { name: say('scope'), value: data.scope },
          ]}
        />
        {data.auth === CONSENT && (
          <Group gap={4}>
            <Text size="sm">{say('redirect')}</Text>
            <Code style={{ wordBreak: 'break-all' }}>{data.redirect_uri}</Code>
            <Copy text={data.redirect_uri} />
          </Group>
        )}
        <Group>
          {data.auth === CONSENT && <AuthorizeButton of={of} />}
          {may.write && data.state !== 'not_connected' && (
            <Confirm
              variant="light"
              color="red"
              question={say('forget_question')}
              verb={say('forget')}
              act={() => forgetting.mutateAsync()}
            />
          )}
        </Group>
      </Stack>
    </Part>
  )
}
