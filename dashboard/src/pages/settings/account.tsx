import { Button, Group, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import { useWords } from '../../parts/words.ts'
import { type Language, speak, texts } from '../../text/text.ts'
import { Section } from './section.tsx'
import { Sessions } from './sessions.tsx'
import { Totp } from './totp.tsx'

const LEAST_PASSWORD = 12
const WIDTH = 720

const useText = texts('settings_account', {
  en: {
    title: 'You',
    about: 'You sign in as {{email}}.',
    language: 'Language',
    saved: 'Saved.',
    password: 'Password',
    password_about: 'A new one signs you out everywhere else.',
    old: 'Password so far',
    new: 'New password',
    least: 'At least {{n}} characters, of any kind',
    change: 'Change the password',
    changed: 'From now on you sign in with the new password.',
  },
  'pt-BR': {
    title: 'Você',
    about: 'Você entra como {{email}}.',
    language: 'Idioma',
    saved: 'Salvo.',
    password: 'Senha',
    password_about: 'Uma nova encerra suas outras sessões.',
    old: 'Senha atual',
    new: 'Nova senha',
    least: 'Pelo menos {{n}} caracteres, quaisquer',
    change: 'Trocar a senha',
    changed: 'A partir de agora você entra com a nova senha.',
  },
})

/** One's own name, language, password, second factor and sessions. */
export function Account() {
  const { member } = useSession()
  return (
    <>
      <Profile key={member.id + member.language} />
      <Password />
      <Totp />
      <Sessions />
    </>
  )
}

function Profile() {
  const say = useText()
  const word = useWords()
  const { member } = useSession()
  const form = useForm({ initialValues: { name: member.name, language: member.language as Language } })
  const save = useAct({
    act: async (body: typeof form.values) => {
      await ask(api.PATCH('/v1/member', { body }))
      speak(body.language)
      form.resetDirty()
    },
    done: say('saved'),
    changes: ['session', 'members'],
  })
  return (
    <Section title={say('title')} about={say('about', { email: member.email })} w={WIDTH}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <TextInput
            label={word('name')}
            autoComplete="name"
            required
            maxLength={100}
            {...form.getInputProps('name')}
          />
          <Select
            label={say('language')}
            allowDeselect={false}
            data={[
              { value: 'en', label: 'English' },
              { value: 'pt-BR', label: 'Português (Brasil)' },
            ]}
            {...form.getInputProps('language')}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>
              {word('save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

function Password() {
  const say = useText()
  const form = useForm({
    initialValues: { old_password: '', password: '' },
    validate: {
      password: (value) => (value.length < LEAST_PASSWORD ? say('least', { n: LEAST_PASSWORD }) : null),
    },
  })
  const change = useAct({
    act: async (body: typeof form.values) => {
      await ask(api.PATCH('/v1/member', { body }))
      form.reset()
    },
    done: say('changed'),
    changes: ['sessions'],
  })
  return (
    <Section title={say('password')} about={say('password_about')} w={WIDTH}>
      <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
        <Stack>
          <PasswordInput
            label={say('old')}
            autoComplete="current-password"
            required
            {...form.getInputProps('old_password')}
          />
          <PasswordInput
            label={say('new')}
            description={say('least', { n: LEAST_PASSWORD })}
            autoComplete="new-password"
            required
            {...form.getInputProps('password')}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={!form.isDirty()} loading={change.isPending}>
              {say('change')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
