import { ActionIcon, Menu, Stack, Text } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useSession } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { texts } from '../../text/text.ts'
import type { Person } from './people.tsx'

const useText = texts('settings_person_acts', {
  en: {
    actions: 'What can be done with {{name}}',
    sign_out: 'Sign out everywhere',
    sign_out_title: 'Sign {{name}} out everywhere?',
    sign_out_sure:
      'Every browser of theirs is signed out within a second, in all companies. Whoever knows the password may come in again.',
    sign_out_self: 'That is you: this browser is signed out as well, and you sign in again.',
    sign_out_done: '{{name}} was signed out everywhere.',
    reset: 'Reset the second factor',
    reset_title: 'Reset the second factor of {{name}}?',
    reset_sure:
      'The authenticator app and the recovery codes are worth nothing from now on, and every browser is signed out. Until they turn it on again, the password alone lets them in.',
    reset_ask: 'Make sure that it is really them who ask.',
    reset_done: 'The second factor of {{name}} is off.',
    suspend: 'Suspend',
    suspend_title: 'Suspend {{name}}?',
    suspend_sure:
      'Every browser is signed out within a second, and nobody comes in as them in any company: not by password, link, invitation or the company’s own sign-in. Places, password and second factor are kept until you let them in again.',
    suspend_done: '{{name}} is suspended.',
    restore: 'Let in again',
    restore_title: 'Let {{name}} in again?',
    restore_sure: 'They come in by the password and second factor they had, with the places they have.',
    restore_done: '{{name}} may come in again.',
  },
  'pt-BR': {
    actions: 'O que se pode fazer com {{name}}',
    sign_out: 'Encerrar todas as sessões',
    sign_out_title: 'Encerrar todas as sessões de {{name}}?',
    sign_out_sure:
      'Todos os navegadores da pessoa saem em um segundo, em todas as empresas. Quem souber a senha pode entrar de novo.',
    sign_out_self: 'É você: este navegador também sai, e você entra de novo.',
    sign_out_done: 'As sessões de {{name}} foram encerradas.',
    reset: 'Redefinir o segundo fator',
    reset_title: 'Redefinir o segundo fator de {{name}}?',
    reset_sure:
      'O aplicativo autenticador e os códigos de recuperação deixam de valer, e todos os navegadores saem. Até que a pessoa o ligue de novo, só a senha já a deixa entrar.',
    reset_ask: 'Certifique-se de que é mesmo a pessoa que está pedindo.',
    reset_done: 'O segundo fator de {{name}} está desligado.',
    suspend: 'Suspender',
    suspend_title: 'Suspender {{name}}?',
    suspend_sure:
      'Todos os navegadores saem em um segundo, e ninguém entra como esta pessoa em nenhuma empresa: nem por senha, link, convite ou pelo acesso da própria empresa. Papéis, senha e segundo fator ficam guardados até você deixá-la entrar de novo.',
    suspend_done: '{{name}}: acesso suspenso.',
    restore: 'Deixar entrar de novo',
    restore_title: 'Deixar {{name}} entrar de novo?',
    restore_sure: 'A pessoa entra com a senha e o segundo fator que tinha, nas empresas em que está.',
    restore_done: '{{name}} pode entrar de novo.',
  },
})

export type Act = 'sign_out' | 'reset' | 'suspend' | 'restore'

/** What the API lets be done: nobody stops themselves, or ends their own second factor without the password. */
function actsOn({ id, state, has_totp }: Person, self: string): Act[] {
  const others: Act[] = [
    ...(has_totp ? (['reset'] as const) : []),
    state === 'active' ? 'suspend' : 'restore',
  ]
  return [...(state === 'active' ? (['sign_out'] as const) : []), ...(id === self ? [] : others)]
}

export function PersonMenu({ of, choose }: { of: Person; choose: (act: Act) => void }) {
  const say = useText()
  const { member } = useSession()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={say('actions', { name: of.name })}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actsOn(of, member.id).map((act) => (
          <Menu.Item key={act} {...(act === 'suspend' && { color: 'red' })} onClick={() => choose(act)}>
            {say(act)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

const send = (act: Act, id: string) => {
  const params = { path: { id } }
  if (act === 'sign_out') return ask(api.POST('/v1/people/{id}/sign-out', { params }))
  if (act === 'reset') return ask(api.POST('/v1/people/{id}/reset-second-factor', { params }))
  if (act === 'suspend') return ask(api.POST('/v1/people/{id}/suspend', { params }))
  return ask(api.POST('/v1/people/{id}/restore', { params }))
}

/** Says what follows before it is done. */
export function AskPerson({ person, act, close }: { person: Person; act: Act; close: () => void }) {
  const say = useText()
  const { member } = useSession()
  const { id, name } = person
  const doing = useAct({
    act: async () => {
      await send(act, id)
      close()
    },
    done: say(`${act}_done`, { name }),
    changes: ['people', 'members', 'audit', 'session'],
  })
  return (
    <Dialog close={close} title={say(`${act}_title`, { name })}>
      <Stack gap="xs">
        <Text>{say(`${act}_sure`)}</Text>
        {act === 'reset' && <Text fw={500}>{say('reset_ask')}</Text>}
        {act === 'sign_out' && id === member.id && <Text fw={500}>{say('sign_out_self')}</Text>}
      </Stack>
      <DialogEnd
        close={close}
        mt="lg"
        {...(act !== 'restore' && { color: 'red' })}
        loading={doing.isPending}
        act={() => doing.mutate()}
      >
        {say(act)}
      </DialogEnd>
    </Dialog>
  )
}
