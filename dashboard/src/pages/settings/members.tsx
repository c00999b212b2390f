import { ActionIcon, Badge, Button, Group, Menu, Select, Text, Tooltip } from '@mantine/core'
import { IconDots, IconShieldLock, IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { useMay, useSession } from '../../api/session.tsx'
import type { RowOf } from '../../api/types.ts'
import { Empty } from '../../parts/page.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { Invite, RemoveMember } from './member_forms.tsx'
import { ROLES, type Role, useRoles } from './roles.ts'
import { Section } from './section.tsx'

const useText = texts('settings_members', {
  en: {
    title: 'Members',
    about:
      'Who may sign in to this company, and what each may do. A change holds everywhere within a second.',
    invite: 'Invite',
    who: 'Who',
    role: 'Role',
    role_of: 'Role of {{name}}',
    state: 'State',
    invited: 'Invited',
    active: 'Active',
    suspended: 'Suspended',
    seen: 'Signed in',
    totp: 'Signs in with a second factor',
    actions: 'What can be done with {{name}}',
    suspend: 'Suspend',
    restore: 'Let in again',
    link: 'New invitation link',
    remove: 'Remove',
    changed: 'It holds now.',
    you: 'you',
    none: 'Nobody but the administrators of the installation',
    none_about: 'Invite who works with this company, each with the role they need.',
  },
  'pt-BR': {
    title: 'Membros',
    about: 'Quem pode entrar nesta empresa, e o que cada um pode fazer. Uma mudança vale em um segundo.',
    invite: 'Convidar',
    who: 'Quem',
    role: 'Papel',
    role_of: 'Papel de {{name}}',
    state: 'Estado',
    invited: 'Convidado',
    active: 'Ativo',
    suspended: 'Suspenso',
    seen: 'Último acesso',
    totp: 'Entra com segundo fator',
    actions: 'O que se pode fazer com {{name}}',
    suspend: 'Suspender',
    restore: 'Deixar entrar de novo',
    link: 'Novo link de convite',
    remove: 'Remover',
    changed: 'Já vale.',
    you: 'você',
    none: 'Ninguém além dos administradores da instalação',
    none_about: 'Convide quem trabalha com esta empresa, cada um com o papel de que precisa.',
  },
})

export type Member = RowOf<'/v1/members'>

/** Members of the tenant and their roles. */
export function Members() {
  const say = useText()
  const can_change = useMay()('tenants:write')
  const [invited, setInvited] = useState<Partial<Member> | null>(null)
  const [removed, setRemoved] = useState<Member | null>(null)
  const pages = usePages(['members'], (cursor) =>
    ask(api.GET('/v1/members', { params: { query: { limit: '50', ...(cursor && { cursor }) } } })),
  )
  const add = can_change && (
    <Button size="xs" leftSection={<IconUserPlus size={14} />} onClick={() => setInvited({})}>
      {say('invite')}
    </Button>
  )
  return (
    <Section title={say('title')} about={say('about')} action={add}>
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        empty={<Empty title={say('none')}>{say('none_about')}</Empty>}
        columns={[
          { title: say('who'), cell: (member) => <Who of={member} /> },
          { title: say('role'), cell: (member) => <RoleOf member={member} can_change={can_change} /> },
          { title: say('state'), cell: ({ state }) => <StateOf state={state} />, wide: true },
          { title: say('seen'), cell: ({ signed_in_at }) => <When at={signed_in_at} />, wide: true },
          {
            title: '',
            right: true,
            cell: (member) =>
              can_change && <Actions member={member} invite={setInvited} remove={setRemoved} />,
          },
        ]}
      />
      {invited && <Invite {...invited} close={() => setInvited(null)} />}
      {removed && <RemoveMember of={removed} close={() => setRemoved(null)} />}
    </Section>
  )
}

function Who({ of }: { of: Member }) {
  const say = useText()
  const { member } = useSession()
  return (
    <div>
      <Group gap={6} wrap="nowrap">
        <Text size="sm" fw={500}>
          {of.name ?? of.email}
        </Text>
        {of.person_id === member.id && (
          <Text size="xs" c="dimmed">
            ({say('you')})
          </Text>
        )}
        {of.has_totp && (
          <Tooltip label={say('totp')}>
            <IconShieldLock size={14} aria-label={say('totp')} />
          </Tooltip>
        )}
      </Group>
      {of.name && (
        <Text size="xs" c="dimmed">
          {of.email}
        </Text>
      )}
    </div>
  )
}

const STATE_COLORS = { invited: 'blue', active: 'teal', suspended: 'gray' } as const

function StateOf({ state }: { state: Member['state'] }) {
  const say = useText()
  return (
    <Badge variant="light" color={STATE_COLORS[state]} tt="none">
      {say(state)}
    </Badge>
  )
}

type Change = { role?: Role; state?: 'active' | 'suspended' }

function useChange(id: string) {
  const say = useText()
  return useAct({
    act: (body: Change) => ask(api.PATCH('/v1/members/{id}', { params: { path: { id } }, body })),
    done: say('changed'),
    changes: ['members', 'audit'],
  })
}

function RoleOf({ member, can_change }: { member: Member; can_change: boolean }) {
  const say = useText()
  const role = useRoles()
  const { member: self } = useSession()
  const change = useChange(member.id)
  if (!can_change || member.person_id === self.id) return <>{role(member.role)}</>
  return (
    <Select
      size="xs"
      w={150}
      allowDeselect={false}
      aria-label={say('role_of', { name: member.name ?? member.email })}
      data={ROLES.map((value) => ({ value, label: role(value) }))}
      value={member.role}
      disabled={change.isPending}
      onChange={(value) => value && change.mutate({ role: value as Role })}
    />
  )
}

type ActionsProps = {
  member: Member
  invite: (member: Member) => void
  remove: (member: Member) => void
}

function Actions({ member, invite, remove }: ActionsProps) {
  const say = useText()
  const { member: self } = useSession()
  const change = useChange(member.id)
  if (member.person_id === self.id) return null
  const name = member.name ?? member.email
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={say('actions', { name })}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {member.state === 'invited' && <Menu.Item onClick={() => invite(member)}>{say('link')}</Menu.Item>}
        {member.state === 'active' && (
          <Menu.Item onClick={() => change.mutate({ state: 'suspended' })}>{say('suspend')}</Menu.Item>
        )}
        {member.state === 'suspended' && (
          <Menu.Item onClick={() => change.mutate({ state: 'active' })}>{say('restore')}</Menu.Item>
        )}
        <Menu.Item color="red" onClick={() => remove(member)}>
          {say('remove')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
