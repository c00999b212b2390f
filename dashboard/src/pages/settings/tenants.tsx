import { Button, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { useSession, useTenant } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { Id } from '../../parts/id.tsx'
import { DataTable } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { Section } from './section.tsx'
import { ZoneSelect } from './tenant.tsx'

const useText = texts('settings_tenants', {
  en: {
    title: 'All companies of this installation',
    about: 'You administer the installation, and see all of them.',
    new: 'New company',
    zone: 'Time zone',
    since: 'Since',
    look: 'Look at it',
    here: 'You are here',
    made: '{{name}} was made.',
  },
  'pt-BR': {
    title: 'Todas as empresas desta instalação',
    about: 'Você administra a instalação e vê todas elas.',
    new: 'Nova empresa',
    zone: 'Fuso horário',
    since: 'Desde',
    look: 'Abrir',
    here: 'Você está aqui',
    made: '{{name}} foi criada.',
  },
})

/** For administrators of the installation. */
export function Tenants() {
  const say = useText()
  const word = useWords()
  const { tenant } = useSession()
  const look = useTenant()
  const [is_open, { open, close }] = useDisclosure(false)
  const pages = usePages(['tenants', 'all'], (cursor) =>
    ask(api.GET('/v1/tenants', { params: { query: { limit: '50', ...(cursor && { cursor }) } } })),
  )
  return (
    <Section
      title={say('title')}
      about={say('about')}
      action={
        <Button size="xs" leftSection={<IconPlus size={14} />} onClick={open}>
          {say('new')}
        </Button>
      }
    >
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        columns={[
          { title: word('name'), cell: ({ name }) => name },
          { title: 'Id', cell: ({ id }) => <Id of={id} />, wide: true },
          { title: say('zone'), cell: ({ time_zone }) => time_zone, wide: true },
          { title: say('since'), cell: ({ created_at }) => <When at={created_at} />, wide: true },
          {
            title: '',
            right: true,
            cell: ({ id }) =>
              id === tenant?.id ? (
                say('here')
              ) : (
                <Button size="compact-xs" variant="light" onClick={() => void look(id)}>
                  {say('look')}
                </Button>
              ),
          },
        ]}
      />
      {is_open && <NewTenant close={close} />}
    </Section>
  )
}

function NewTenant({ close }: { close: () => void }) {
  const say = useText()
  const word = useWords()
  const form = useForm({ initialValues: { name: '', time_zone: 'America/Sao_Paulo' } })
  const make = useAct({
    act: async (body: typeof form.values) => {
      const made = await ask(api.POST('/v1/tenants', { body }))
      close()
      return made
    },
    done: ({ name }) => say('made', { name }),
    changes: ['tenants', 'session'],
  })
  return (
    <Dialog close={close} title={say('new')}>
      <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
        <Stack>
          <TextInput
            label={word('name')}
            required
            maxLength={100}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <ZoneSelect label={say('zone')} {...form.getInputProps('time_zone')} />
          <DialogEnd close={close} loading={make.isPending}>
            {word('create')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
