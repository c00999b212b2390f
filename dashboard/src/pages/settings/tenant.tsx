import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay, useSession } from '../../api/session.tsx'
import { Id } from '../../parts/id.tsx'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { LiveOnly, useIsLive } from './live_only.tsx'
import { Section } from './section.tsx'
import { Tenants } from './tenants.tsx'

const useText = texts('settings_tenant', {
  en: {
    title: 'This company',
    about: 'Its data is closed to every other company of this installation.',
    zone: 'Time zone',
    zone_about: 'Schedules are read in it.',
    since: 'Since',
    saved: 'Saved.',
  },
  'pt-BR': {
    title: 'Esta empresa',
    about: 'Seus dados são fechados a todas as outras empresas desta instalação.',
    zone: 'Fuso horário',
    zone_about: 'Os agendamentos seguem este fuso.',
    since: 'Desde',
    saved: 'Salvo.',
  },
})

type OfTenant = { id: string; name: string; time_zone: string; created_at: string }

/** The tenant's name and time zone; to an administrator of the installation all the others too. */
export function Tenant() {
  const { is_administrator } = useSession()
  const read = useRead(['tenants', 'own'], () => ask(api.GET('/v1/tenant')))
  return (
    <>
      <Shown read={read}>{(tenant) => <OwnTenant key={tenant.id} tenant={tenant} />}</Shown>
      {is_administrator && <Tenants />}
    </>
  )
}

function OwnTenant({ tenant }: { tenant: OfTenant }) {
  const say = useText()
  const word = useWords()
  const is_live = useIsLive()
  const can_change = useMay()('tenants:write') && is_live
  const form = useForm({ initialValues: { name: tenant.name, time_zone: tenant.time_zone } })
  const save = useAct({
    act: async (body: typeof form.values) => {
      await ask(api.PATCH('/v1/tenant', { body }))
      form.resetDirty()
    },
    done: say('saved'),
    changes: ['tenants', 'session'],
  })
  return (
    <Section title={say('title')} about={say('about')} action={<Id of={tenant.id} />} w={720}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <LiveOnly />
          <TextInput
            label={word('name')}
            required
            maxLength={100}
            readOnly={!can_change}
            {...form.getInputProps('name')}
          />
          <ZoneSelect
            label={say('zone')}
            description={say('zone_about')}
            readOnly={!can_change}
            {...form.getInputProps('time_zone')}
          />
          <Group justify="space-between" c="dimmed" fz="sm">
            <span>
              {say('since')} <When at={tenant.created_at} exact />
            </span>
            {can_change && (
              <Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>
                {word('save')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

const ZONES = Intl.supportedValuesOf('timeZone')

type ZoneProps = {
  label: string
  description?: string
  readOnly?: boolean
  value?: string
  onChange?: (value: string | null) => void
}

/** Time zones as the browser knows them, and the one that is set even where it knows it not. */
export function ZoneSelect({ value, ...props }: ZoneProps) {
  const known = value && !ZONES.includes(value) ? [value, ...ZONES] : ZONES
  return <Select searchable allowDeselect={false} limit={50} data={known} value={value ?? null} {...props} />
}
