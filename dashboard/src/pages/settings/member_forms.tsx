import { Radio, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { texts } from '../../text/text.ts'
import type { Member } from './members.tsx'
import { ShownOnce } from './once.tsx'
import { ROLES, type Role, useRoles, useRolesAbout } from './roles.ts'

const useText = texts('settings_member_forms', {
  en: {
    title: 'Invite somebody',
    email: 'E-mail',
    role: 'Role',
    make: 'Make the link',
    link: 'Invitation link',
    for: 'For {{email}}: works once, for a day. Hand it on yourself, no mail is sent.',
    remove: 'Remove',
    remove_title: 'Remove {{name}}?',
    remove_sure: 'They are signed out of this company within a second. What they did stays in the audit log.',
    removed: '{{name}} was removed.',
  },
  'pt-BR': {
    title: 'Convidar alguém',
    email: 'E-mail',
    role: 'Papel',
    make: 'Criar o link',
    link: 'Link do convite',
    for: 'Para {{email}}: vale uma vez, por um dia. Entregue você mesmo, nenhum e-mail é enviado.',
    remove: 'Remover',
    remove_title: 'Remover {{name}}?',
    remove_sure: 'A pessoa sai desta empresa em um segundo. O que ela fez continua na auditoria.',
    removed: '{{name}} foi removido.',
  },
})

type InviteProps = { email?: string; role?: Role; close: () => void }

/** Makes a one-time link for somebody; for who was invited before, another one. */
export function Invite({ email = '', role: first = 'operator', close }: InviteProps) {
  const say = useText()
  const role = useRoles()
  const about = useRolesAbout()
  const [made, setMade] = useState<{ email: string; link: string } | null>(null)
  const form = useForm({ initialValues: { email, role: first } })
  const invite = useAct({
    act: async (body: typeof form.values) => setMade(await ask(api.POST('/v1/members', { body }))),
    changes: ['members', 'audit'],
  })
  if (made) {
    const title = say('for', { email: made.email })
    return <ShownOnce title={title} secrets={[{ name: say('link'), value: made.link }]} close={close} />
  }
  return (
    <Dialog close={close} title={say('title')}>
      <form onSubmit={form.onSubmit((values) => invite.mutate(values))}>
        <Stack>
          <TextInput
            label={say('email')}
            type="email"
            required
            readOnly={email !== ''}
            data-autofocus
            {...form.getInputProps('email')}
          />
          <Radio.Group label={say('role')} {...form.getInputProps('role')}>
            <Stack gap="xs" mt="xs">
              {ROLES.map((one) => (
                <Radio key={one} value={one} label={role(one)} description={about(one)} />
              ))}
            </Stack>
          </Radio.Group>
          <DialogEnd close={close} loading={invite.isPending}>
            {say('make')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

export function RemoveMember({ of, close }: { of: Member; close: () => void }) {
  const say = useText()
  const name = of.name ?? of.email
  const remove = useAct({
    act: async () => {
      await ask(api.DELETE('/v1/members/{id}', { params: { path: { id: of.id } } }))
      close()
    },
    done: say('removed', { name }),
    changes: ['members', 'audit'],
  })
  return (
    <Dialog close={close} title={say('remove_title', { name })}>
      <Text>{say('remove_sure')}</Text>
      <DialogEnd close={close} mt="lg" color="red" loading={remove.isPending} act={() => remove.mutate()}>
        {say('remove')}
      </DialogEnd>
    </Dialog>
  )
}
