import { Alert, Anchor, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'react-router'
import { api, ask, Refusal } from '../api/client.ts'
import { useRead } from '../api/hooks.ts'
import { Wrong } from '../parts/page.tsx'
import { texts } from '../text/text.ts'
import { Card } from './card.tsx'

const useText = texts('sign_in', {
  en: {
    title: 'Sign in to Trilho',
    email: 'E-mail',
    password: 'Password',
    code: 'Code from your authenticator app',
    recovery: 'Recovery code',
    use_recovery: 'Phone lost? Use a recovery code',
    use_app: 'Use the code of the authenticator app',
    submit: 'Sign in',
    or: 'or',
    refused_email: 'Your company did not vouch for an e-mail that may come in here. Ask an administrator.',
    refused_provider: 'Your company’s sign-in does not answer. Try again, or use your password.',
    refused_expired: 'That took too long. Try again.',
    refused_suspended: 'Your account is suspended. Ask an administrator to restore it.',
    company: 'Sign in with {{name}}',
    lost: 'First time here, or password forgotten? Open the link that `npm start` prints, or ask for one: `trilho member link`.',
  },
  'pt-BR': {
    title: 'Entrar no Trilho',
    email: 'E-mail',
    password: 'Senha',
    code: 'Código do aplicativo autenticador',
    recovery: 'Código de recuperação',
    use_recovery: 'Perdeu o celular? Use um código de recuperação',
    use_app: 'Usar o código do aplicativo autenticador',
    submit: 'Entrar',
    or: 'ou',
    refused_email: 'Sua empresa não confirmou um e-mail que possa entrar aqui. Fale com um administrador.',
    refused_provider: 'O acesso da sua empresa não responde. Tente de novo ou use a sua senha.',
    refused_expired: 'Demorou demais. Tente de novo.',
    refused_suspended: 'Sua conta está suspensa. Peça a um administrador que a restaure.',
    company: 'Entrar com {{name}}',
    lost: 'Primeira vez aqui, ou esqueceu a senha? Abra o link que `npm start` mostra, ou peça um: `trilho member link`.',
  },
})

export const asksCode = (error: Error | null): boolean =>
  error instanceof Refusal && error.problem?.code === 'totp_required'

const REFUSED = ['email', 'provider', 'expired', 'suspended'] as const

/** Why a company's sign-in led back here, as the server put it into the address. */
const refusedIn = (hash: string): (typeof REFUSED)[number] | undefined =>
  REFUSED.find((why) => hash === `#/sign-in?refused=${why}`)

/** The companies that say who their people are, where there are any. */
function Companies() {
  const say = useText()
  const read = useRead(['sign-in'], () => ask(api.GET('/v1/sign-in')))
  const companies = read.data?.providers ?? []
  if (companies.length === 0) return null
  return (
    <Stack gap="xs">
      <Divider label={say('or')} />
      {companies.map(({ id, name, start }) => (
        <Button key={id} variant="default" component="a" href={start}>
          {say('company', { name })}
        </Button>
      ))}
    </Stack>
  )
}

/** Who signs in, and the code of their authenticator where they have one. */
export function SignIn() {
  const say = useText()
  const client = useQueryClient()
  const [needs_code, setNeedsCode] = useState(false)
  const [is_lost, setLost] = useState(false)
  const refused = refusedIn(useLocation().hash)
  const form = useForm({ initialValues: { email: '', password: '', code: '' } })
  const enter = useMutation({
    mutationFn: ({ code, ...who }: typeof form.values) =>
      ask(api.POST('/v1/session', { body: { ...who, ...(code !== '' && { code }) } })),
    onSuccess: () => client.resetQueries(),
    onError: (error) => setNeedsCode((before) => before || asksCode(error)),
  })
  const is_asked = needs_code && asksCode(enter.error)
  return (
    <Card title={say('title')}>
      <form onSubmit={form.onSubmit((values) => enter.mutate(values))}>
        <Stack>
          <TextInput
            label={say('email')}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label={say('password')}
            autoComplete="current-password"
            required
            {...form.getInputProps('password')}
          />
          {needs_code && (
            <>
              <TextInput
                key={is_lost ? 'recovery' : 'code'}
                label={say(is_lost ? 'recovery' : 'code')}
                inputMode={is_lost ? 'text' : 'numeric'}
                autoComplete={is_lost ? 'off' : 'one-time-code'}
                autoFocus
                required
                {...form.getInputProps('code')}
              />
              <Anchor component="button" type="button" size="xs" ta="left" onClick={() => setLost(!is_lost)}>
                {say(is_lost ? 'use_app' : 'use_recovery')}
              </Anchor>
            </>
          )}
          {enter.error && !is_asked && <Wrong error={enter.error} />}
          <Button type="submit" loading={enter.isPending}>
            {say('submit')}
          </Button>
          <Companies />
          {refused && <Alert color="red">{say(`refused_${refused}`)}</Alert>}
          <Text size="xs" c="dimmed">
            {say('lost')}
          </Text>
        </Stack>
      </form>
    </Card>
  )
}
