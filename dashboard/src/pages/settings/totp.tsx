import {
  Alert,
  Anchor,
  Button,
  Code,
  Group,
  Modal,
  PasswordInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconShieldCheck } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import { Copy } from '../../parts/copy.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { Qr } from './qr.tsx'
import { Section } from './section.tsx'

const useText = texts('settings_totp', {
  en: {
    title: 'Second factor',
    about: 'A code from an authenticator app, asked for beside your password.',
    on: 'It is on: signing in needs a code.',
    begin: 'Set it up',
    own_password: 'Empty if you only sign in through your company.',
    scan: 'Scan this with your authenticator app, then type the code it shows.',
    type: 'Or type this secret into it:',
    open: 'open it in an app on this device',
    code: 'Code',
    confirm: 'Turn it on',
    is_on: 'From now on signing in needs a code.',
    remove: 'Turn it off…',
    remove_title: 'Turn the second factor off',
    remove_about: 'Your password alone will be enough to sign in.',
    password: 'Your password',
    off: 'The second factor is off.',
    qr: 'QR code for an authenticator app',
  },
  'pt-BR': {
    title: 'Segundo fator',
    about: 'Um código do aplicativo autenticador, pedido junto com a senha.',
    on: 'Está ativo: para entrar é preciso um código.',
    begin: 'Configurar',
    own_password: 'Vazia se você só entra pela sua empresa.',
    scan: 'Escaneie com seu aplicativo autenticador e digite o código que ele mostra.',
    type: 'Ou digite este segredo nele:',
    open: 'abrir em um aplicativo deste aparelho',
    code: 'Código',
    confirm: 'Ativar',
    is_on: 'A partir de agora é preciso um código para entrar.',
    remove: 'Desativar…',
    remove_title: 'Desativar o segundo fator',
    remove_about: 'Só a sua senha bastará para entrar.',
    password: 'Sua senha',
    off: 'O segundo fator está desativado.',
    qr: 'QR code para um aplicativo autenticador',
  },
})

/** Turns the second factor on, by a code of it, and off, by the password. */
export function Totp() {
  const say = useText()
  const { member } = useSession()
  return (
    <Section title={say('title')} about={say('about')} w={720}>
      {member.has_totp ? <TurnOff /> : <TurnOn />}
    </Section>
  )
}

function TurnOn() {
  const say = useText()
  const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null)
  const [password, setPassword] = useState('')
  const begin = useAct({
    act: async () => {
      const body = { action: 'begin' as const, ...(password !== '' && { password }) }
      const { secret, otpauth_uri } = await ask(api.POST('/v1/member/totp', { body }))
      if (secret !== null && otpauth_uri !== null) setBegun({ secret, uri: otpauth_uri })
    },
  })
  if (begun) return <ConfirmCode {...begun} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    begin.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack align="flex-start" gap="sm">
        <PasswordInput
          label={say('password')}
          description={say('own_password')}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          w={320}
          maw="100%"
        />
        <Button
          type="submit"
          variant="light"
          leftSection={<IconShieldCheck size={16} />}
          loading={begin.isPending}
        >
          {say('begin')}
        </Button>
      </Stack>
    </form>
  )
}

function ConfirmCode({ secret, uri }: { secret: string; uri: string }) {
  const say = useText()
  const [code, setCode] = useState('')
  const confirm = useAct({
    act: () => ask(api.POST('/v1/member/totp', { body: { action: 'confirm', code } })),
    done: say('is_on'),
    changes: ['session', 'members'],
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.mutate()
  }
  return (
    <Group align="flex-start" gap="lg">
      <Qr text={uri} label={say('qr')} />
      <Stack gap="sm" flex={1} miw={240}>
        <Text size="sm">{say('scan')}</Text>
        <Text size="sm" c="dimmed">
          {say('type')}{' '}
          <Anchor href={uri} size="sm">
            {say('open')}
          </Anchor>
        </Text>
        <Group gap="xs" wrap="nowrap">
          <Code style={{ wordBreak: 'break-all' }}>{secret.replace(/(.{4})(?=.)/g, '$1 ')}</Code>
          <Copy text={secret} />
        </Group>
        <form onSubmit={submit}>
          <Group align="flex-end" gap="xs">
            <TextInput
              label={say('code')}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value.replace(/\D/g, '').slice(0, 6))}
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              w={120}
            />
            <Button type="submit" disabled={code.length !== 6} loading={confirm.isPending}>
              {say('confirm')}
            </Button>
          </Group>
        </form>
      </Stack>
    </Group>
  )
}

function TurnOff() {
  const say = useText()
  const word = useWords()
  const [is_open, setOpen] = useState(false)
  const [password, setPassword] = useState('')
  const remove = useAct({
    act: async () => {
      await ask(api.POST('/v1/member/totp', { body: { action: 'remove', password } }))
      setOpen(false)
    },
    done: say('off'),
    changes: ['session', 'members'],
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    remove.mutate()
  }
  return (
    <Stack align="flex-start">
      <Alert color="teal" variant="light" icon={<IconShieldCheck size={18} />} w="100%">
        {say('on')}
      </Alert>
      <Button variant="default" onClick={() => setOpen(true)}>
        {say('remove')}
      </Button>
      <Modal
        opened={is_open}
        onClose={() => setOpen(false)}
        title={say('remove_title')}
        closeButtonProps={{ 'aria-label': word('close') }}
      >
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{say('remove_about')}</Text>
            <PasswordInput
              label={say('password')}
              autoComplete="current-password"
              required
              data-autofocus
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setOpen(false)}>
                {word('cancel')}
              </Button>
              <Button type="submit" color="red" loading={remove.isPending}>
                {say('remove_title')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </Stack>
  )
}
