import { Badge, Code, Group, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { usePages, useRead } from '../../api/hooks.ts'
import { type Connection, nameIn, type Source, type Subscription, useProviders } from '../../api/names.ts'
import { useMay } from '../../api/session.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { Section } from './section.tsx'

const useText = texts('settings_secrets', {
  en: {
    connections: 'Credentials of connections',
    connections_about:
      'What vendors let us in by. Replace them on the page of the connection; calls under way end with those before.',
    provider: 'Provider',
    set: 'Set',
    none_set: 'None',
    age: 'Since',
    old: 'Over a year old',
    no_connections: 'No connections yet',
    sources: 'Secrets of sources',
    sources_about:
      'What vendors sign their webhooks with. For a rotation, set the new one beside the old, and take the old one out once the vendor signs with the new.',
    no_sources: 'No sources yet',
    n_set: '{{n}} set',
    subscriptions: 'Signing secrets of subscriptions',
    subscriptions_about:
      'What we sign with. Rotated on the page of the subscription, with a time in which both sign.',
    no_subscriptions: 'No subscriptions yet',
    both: 'The one before signs too, until',
  },
  'pt-BR': {
    connections: 'Credenciais das conexões',
    connections_about:
      'Aquilo com que os provedores nos deixam entrar. Troque na página da conexão; chamadas em andamento terminam com as anteriores.',
    provider: 'Provedor',
    set: 'Definido',
    none_set: 'Nada',
    age: 'Desde',
    old: 'Há mais de um ano',
    no_connections: 'Ainda não há conexões',
    sources: 'Segredos das fontes',
    sources_about:
      'Aquilo com que os provedores assinam seus webhooks. Para trocar, defina o novo ao lado do antigo, e retire o antigo quando o provedor já assinar com o novo.',
    no_sources: 'Ainda não há fontes',
    n_set: 'Definidos: {{n}}',
    subscriptions: 'Segredos das assinaturas',
    subscriptions_about:
      'Aquilo com que assinamos. São trocados na página da assinatura, com um tempo em que os dois assinam.',
    no_subscriptions: 'Ainda não há assinaturas',
    both: 'O anterior também assina, até',
  },
})

const MANY = '50'

/** Every secret that lets somebody in or proves who spoke: how old it is, and where it is replaced. None is shown. */
export function Secrets() {
  const may = useMay()
  return (
    <>
      <Connections />
      {may('sources:read') && <Sources />}
      {may('subscriptions:read') && <Subscriptions />}
    </>
  )
}

const None = ({ text }: { text: string }) => (
  <Text size="sm" c="dimmed">
    {text}
  </Text>
)

function Connections() {
  const say = useText()
  const word = useWords()
  const providers = useProviders()
  const pages = usePages(['connections', 'secrets'], (cursor) =>
    ask(api.GET('/v1/connections', { params: { query: { limit: MANY, cursor } } })),
  )
  const to = ({ id }: Connection) => `/connections/${id}?tab=credentials`
  const columns: Column<Connection>[] = [
    { title: word('name'), width: 260, cell: (one) => <To to={to(one)}>{one.name}</To> },
    { title: say('provider'), width: 180, wide: true, cell: ({ provider }) => nameIn(providers, provider) },
    { title: say('set'), wide: true, cell: ({ credentials }) => <Fields of={credentials} /> },
    { title: say('age'), width: 220, right: true, cell: (one) => <Age at={one.credentials_set_at} /> },
  ]
  return (
    <Section title={say('connections')} about={say('connections_about')}>
      <DataTable
        label={say('connections')}
        pages={pages}
        columns={columns}
        id={({ id }) => id}
        to={to}
        empty={<None text={say('no_connections')} />}
      />
    </Section>
  )
}

function Fields({ of }: { of: string[] }) {
  const say = useText()
  if (of.length === 0) return <Text size="sm">{say('none_set')}</Text>
  return (
    <Group gap={4}>
      {of.map((field) => (
        <Code key={field}>{field}</Code>
      ))}
    </Group>
  )
}

const YEAR_MS = 365 * 86_400_000

function Age({ at }: { at: string | null }) {
  const say = useText()
  if (!at) return <>–</>
  return (
    <Group gap="xs" justify="flex-end" wrap="nowrap">
      {Date.now() - Date.parse(at) > YEAR_MS && (
        <Badge variant="light" color="yellow" tt="none">
          {say('old')}
        </Badge>
      )}
      <When at={at} />
    </Group>
  )
}

function Sources() {
  const say = useText()
  const word = useWords()
  const providers = useProviders()
  const pages = usePages(['sources', 'secrets'], (cursor) =>
    ask(api.GET('/v1/sources', { params: { query: { limit: MANY, cursor } } })),
  )
  const to = ({ id }: Source) => `/inbound/sources/${id}/edit`
  const columns: Column<Source>[] = [
    { title: word('name'), width: 260, cell: (one) => <To to={to(one)}>{one.name}</To> },
    { title: say('provider'), width: 180, wide: true, cell: ({ provider }) => nameIn(providers, provider) },
    { title: say('set'), width: 220, right: true, cell: ({ id }) => <Held id={id} /> },
  ]
  return (
    <Section title={say('sources')} about={say('sources_about')}>
      <DataTable
        label={say('sources')}
        pages={pages}
        columns={columns}
        id={({ id }) => id}
        to={to}
        empty={<None text={say('no_sources')} />}
      />
    </Section>
  )
}

function Held({ id }: { id: string }) {
  const say = useText()
  const { data } = useRead(['sources', id], () =>
    ask(api.GET('/v1/sources/{id}', { params: { path: { id } } })),
  )
  if (!data) return null
  return <>{data.secrets === 0 ? say('none_set') : say('n_set', { n: data.secrets })}</>
}

function Subscriptions() {
  const say = useText()
  const word = useWords()
  const since = useRotations()
  const pages = usePages(['subscriptions', 'secrets'], (cursor) =>
    ask(api.GET('/v1/subscriptions', { params: { query: { limit: MANY, cursor } } })),
  )
  const to = ({ id }: Subscription) => `/outbound/subscriptions/${id}`
  const columns: Column<Subscription>[] = [
    { title: word('name'), width: 260, cell: (one) => <To to={to(one)}>{one.name}</To> },
    {
      title: say('both'),
      wide: true,
      cell: ({ previous_secret_until: at }) => (at ? <When at={at} exact /> : '–'),
    },
    {
      title: say('age'),
      width: 220,
      right: true,
      cell: ({ id, created_at }) => <When at={since.get(id) ?? created_at} />,
    },
  ]
  return (
    <Section title={say('subscriptions')} about={say('subscriptions_about')}>
      <DataTable
        label={say('subscriptions')}
        pages={pages}
        columns={columns}
        id={({ id }) => id}
        to={to}
        empty={<None text={say('no_subscriptions')} />}
      />
    </Section>
  )
}

/** When each subscription's secret was rotated last, as the audit log has it; none of those that never were. */
function useRotations(): ReadonlyMap<string, string> {
  const enabled = useMay()('tenants:read')
  const query = { action: 'subscription.rotate_secret', limit: '200' }
  const { data } = useRead(['audit', 'rotations'], () => ask(api.GET('/v1/audit', { params: { query } })), {
    enabled,
  })
  // The newest comes first, and is the one that is left.
  return new Map((data?.data ?? []).toReversed().map(({ target, at }) => [target, at]))
}
