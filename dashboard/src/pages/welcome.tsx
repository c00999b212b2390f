import { Button, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { api, ask } from '../api/client.ts'
import { Wrong } from '../parts/page.tsx'
import { type Language, speak, spoken, texts } from '../text/text.ts'
import { Card } from './card.tsx'
import { asksCode } from './sign_in.tsx'

const LEAST_PASSWORD = 12

const useText = texts('welcome', {
  en: {
    title: 'Welcome to Trilho',
    about: 'Choose how you sign in from now on. This link works once.',
    name: 'Your name',
    email: 'E-mail',
    password: 'Password',
    least: 'At least {{n}} characters',
    language: 'Language',
    submit: 'Start',
    code: 'Code from your authenticator app, or a recovery code',
  },
  'pt-BR': {
    title: 'Bem-vindo ao Trilho',
    about: 'Escolha como você entra a partir de agora. Este link vale uma vez.',
    name: 'Seu nome',
    email: 'E-mail',
    password: 'Senha',
    least: 'Pelo menos {{n}} caracteres',
    language: 'Idioma',
    submit: 'Começar',
    code: 'Código do aplicativo autenticador, ou de recuperação',
  },
})

/** The first sign-in of a person, by a link that works once. */
export function Welcome({ token }: { token: string }) {
  const say = useText()
  const form = useForm({
    initialValues: { name: '', email: '', password: '', code: '', language: spoken() as Language },
    validate: {
      password: (value) => (value.length < LEAST_PASSWORD ? say('least', { n: LEAST_PASSWORD }) : null),
    },
  })
  const start = useMutation({
    mutationFn: ({ code, ...values }: typeof form.values) =>
      ask(api.POST('/v1/welcome', { body: { token, ...values, ...(code !== '' && { code }) } })),
    onSuccess: () => window.location.replace('/'),
  })
  return (
    <Card title={say('title')} about={say('about')}>
      <form onSubmit={form.onSubmit((values) => start.mutate(values))}>
        <Stack>
          <TextInput label={say('name')} autoComplete="name" required {...form.getInputProps('name')} />
          <TextInput
            label={say('email')}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label={say('password')}
            description={say('least', { n: LEAST_PASSWORD })}
            autoComplete="new-password"
            required
            {...form.getInputProps('password')}
          />
          <Select
            label={say('language')}
            data={[
              { value: 'en', label: 'English' },
              { value: 'pt-BR', label: 'Português (Brasil)' },
            ]}
            allowDeselect={false}
            {...form.getInputProps('language')}
            onChange={(value) => {
              form.setFieldValue('language', value as Language)
              speak(value as Language)
            }}
          />
          {asksCode(start.error) && (
            <TextInput label={say('code')} autoComplete="one-time-code" {...form.getInputProps('code')} />
          )}
          {start.error && <Wrong error={start.error} />}
          <Button type="submit" loading={start.isPending}>
            {say('submit')}
          </Button>
        </Stack>
      </form>
    </Card>
  )
}
