import { Alert, Anchor, Button, Code, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { IconShieldCheck } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import { Copy } from '../../parts/copy.tsx'
import { texts } from '../../text/text.ts'
import { ShownOnce } from './once.tsx'
import { PasswordModal } from './password_modal.tsx'
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
    codes: 'Recovery codes',
    codes_about: 'For when your phone is lost: each signs you in once, in place of a code',
    codes_left: 'Recovery codes left: {{n}} of 10.',
    renew: 'New recovery codes…',
    renew_title: 'Make new recovery codes',
    renew_about: 'The codes you have so far will be worth nothing.',
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
    codes: 'Códigos de recuperação',
    codes_about: 'Para quando perder o celular: cada um vale uma entrada, no lugar do código',
    codes_left: 'Códigos de recuperação restantes: {{n}} de 10.',
    renew: 'Novos códigos de recuperação…',
    renew_title: 'Gerar novos códigos de recuperação',
    renew_about: 'Os códigos que você tem deixam de valer.',
  },
})

/** Turns the second factor on, by a code of it, and off, by the password. */
export function Totp() {
  const say = useText()
  const { member } = useSession()
  const [codes, setCodes] = useState<string[] | null>(null)
  return (
    <Section title={say('title')} about={say('about')} w={720}>
      {member.has_totp ? <TurnOff show={setCodes} /> : <TurnOn show={setCodes} />}
      {codes && (
        <ShownOnce
          title={say('codes')}
          secrets={[{ name: say('codes_about'), value: codes.join('\n') }]}
          close={() => setCodes(null)}
        />
      )}
    </Section>
  )
}

type Show = (codes: string[] | null) => void

function TurnOn({ show }: { show: Show }) {
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
  if (begun) return <ConfirmCode {...begun} show={show} />
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

function ConfirmCode({ secret, uri, show }: { secret: string; uri: string; show: Show }) {
  const say = useText()
  const [code, setCode] = useState('')
  const confirm = useAct({
    act: async () => {
      const body = { action: 'confirm' as const, code }
      show((await ask(api.POST('/v1/member/totp', { body }))).recovery_codes)
    },
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

function TurnOff({ show }: { show: Show }) {
  const say = useText()
  const { member } = useSession()
  const [asked, setAsked] = useState<'remove' | 'renew' | null>(null)
  const close = () => setAsked(null)
  const remove = useAct({
    act: async (password: string) => {
      await ask(api.POST('/v1/member/totp', { body: { action: 'remove', password } }))
      close()
    },
    done: say('off'),
    changes: ['session', 'members'],
  })
  const renew = useAct({
    act: async (password: string) => {
      const body = { action: 'renew_codes' as const, password }
      const { recovery_codes } = await ask(api.POST('/v1/member/totp', { body }))
      close()
      show(recovery_codes)
    },
    changes: ['session'],
  })
  const left = member.recovery_codes_left
  return (
    <Stack align="flex-start">
      <Alert color="teal" variant="light" icon={<IconShieldCheck size={18} />} w="100%">
        {say('on')}
      </Alert>
      <Text size="sm" c={left > 2 ? 'dimmed' : 'orange'}>
        {say('codes_left', { n: left })}
      </Text>
      <Group gap="xs">
        <Button variant="default" onClick={() => setAsked('renew')}>
          {say('renew')}
        </Button>
        <Button variant="default" onClick={() => setAsked('remove')}>
          {say('remove')}
        </Button>
      </Group>
      {asked && (
        <PasswordModal
          title={say(`${asked}_title`)}
          about={say(`${asked}_about`)}
          label={say('password')}
          color={asked === 'remove' ? 'red' : 'blue'}
          is_busy={remove.isPending || renew.isPending}
          submit={asked === 'remove' ? remove.mutate : renew.mutate}
          close={close}
        />
      )}
    </Stack>
  )
}
