import { Anchor, Badge, Button, Card, Code, Group, Stack, Table, Text, Title } from '@mantine/core'
import { IconExternalLink, IconPlus } from '@tabler/icons-react'
import { Link, useParams } from 'react-router'
import { useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { number } from '../../parts/figures.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { spoken, texts } from '../../text/text.ts'
import { readGuide } from './guide.ts'
import { Markdown } from './markdown.tsx'
import { categoryName, useNames } from './names.ts'
import { type Provider, useProvider } from './reads.ts'

const useText = texts('provider', {
  en: {
    connect: 'Connect',
    back: 'Catalog',
    vendor: "The vendor's documentation",
    guide: 'How it is set up',
    asks: 'What a connection asks for',
    field: 'Field',
    what: 'What it is',
    secret: 'secret',
    required: 'required',
    facts: 'At a glance',
    auth: 'Authentication',
    per_connection: 'chosen by each connection',
    address: 'Address',
    own_address: 'of the connection',
    limits: 'Limit unless you set your own',
    a_minute: '{{n}} a minute',
    an_hour: '{{n}} an hour',
    webhooks: 'Webhooks',
    none: 'none',
    signed: 'verified by {{kind}}',
    per_source: 'verified as each source chooses',
    operations: 'Operations',
    no_guide: 'This provider has no guide of its own. Its fields below say what it needs.',
    nothing: 'It asks for nothing.',
  },
  'pt-BR': {
    connect: 'Conectar',
    back: 'Catálogo',
    vendor: 'Documentação do provedor',
    guide: 'Como configurar',
    asks: 'O que uma conexão pede',
    field: 'Campo',
    what: 'O que é',
    secret: 'segredo',
    required: 'obrigatório',
    facts: 'Em resumo',
    auth: 'Autenticação',
    per_connection: 'escolhida em cada conexão',
    address: 'Endereço',
    own_address: 'da conexão',
    limits: 'Limite, se você não definir outro',
    a_minute: '{{n}} por minuto',
    an_hour: '{{n}} por hora',
    webhooks: 'Webhooks',
    none: 'nenhum',
    signed: 'verificados por {{kind}}',
    per_source: 'verificados como cada fonte escolhe',
    operations: 'Operações',
    no_guide: 'Este provedor não tem um guia próprio. Os campos abaixo dizem do que ele precisa.',
    nothing: 'Não pede nada.',
  },
})

/** One provider: how it is set up, what it asks for and what it can do. */
export function Component() {
  const { provider = '' } = useParams()
  const say = useText()
  const read = useProvider(provider)
  const may_write = useMay()('connections:write')
  return (
    <Page
      title={read.data?.name ?? provider}
      about={
        <Anchor component={Link} to="/connections/catalog" size="sm">
          ← {say('back')}
        </Anchor>
      }
      actions={
        may_write &&
        read.data && (
          <Button component={Link} to={`/connections/new/${provider}`} leftSection={<IconPlus size={16} />}>
            {say('connect')}
          </Button>
        )
      }
    >
      <Shown read={read}>{(one) => <Whole of={one} />}</Shown>
    </Page>
  )
}

function Whole({ of }: { of: Provider }) {
  const say = useText()
  const guide = useRead(['providers', 'guide', of.id, spoken()], () => readGuide(of.id, spoken()))
  return (
    <Group align="flex-start" gap="md" wrap="wrap">
      <Stack style={{ flex: '1 1 420px', minWidth: 0 }} gap="md">
        <Card withBorder component="section">
          <Title order={2} size="h4" mb="sm">
            {say('guide')}
          </Title>
          <Shown read={guide}>
            {(text) => (text === null ? <Text size="sm">{say('no_guide')}</Text> : <Markdown text={text} />)}
          </Shown>
        </Card>
        <Asks of={of} />
      </Stack>
      <Facts of={of} />
    </Group>
  )
}

function Asks({ of }: { of: Provider }) {
  const say = useText()
  return (
    <Card withBorder component="section">
      <Title order={2} size="h4" mb="sm">
        {say('asks')}
      </Title>
      {of.fields.length === 0 && <Text size="sm">{say('nothing')}</Text>}
      {of.fields.length > 0 && (
        <Table verticalSpacing={6} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('field')}</Table.Th>
              <Table.Th>{say('what')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.fields.map((field) => (
              <Table.Tr key={field.key}>
                <Table.Td style={{ verticalAlign: 'top' }}>
                  <Code>{field.key}</Code>
                </Table.Td>
                <Table.Td>
                  {field.label}
                  {field.hint && (
                    <Text size="xs" c="dimmed">
                      {field.hint}
                    </Text>
                  )}
                  <Group gap={4} mt={2}>
                    {field.required && <Mark>{say('required')}</Mark>}
                    {field.secret && <Mark>{say('secret')}</Mark>}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  )
}

const Mark = ({ children }: { children: string }) => (
  <Badge size="xs" variant="light" color="gray" tt="none">
    {children}
  </Badge>
)

const PER_SOURCE = 'per_source'

function signedBy({ webhooks }: Provider, say: ReturnType<typeof useText>): string {
  if (!webhooks) return say('none')
  const { signature } = webhooks
  return signature === PER_SOURCE
    ? say('per_source')
    : say('signed', { kind: signature.replaceAll('_', ' ') })
}

function Facts({ of }: { of: Provider }) {
  const say = useText()
  const names = useNames()
  const { requests_per_minute, requests_per_hour } = of.limits ?? {}
  const limits = [
    requests_per_minute && say('a_minute', { n: number(requests_per_minute) }),
    requests_per_hour && say('an_hour', { n: number(requests_per_hour) }),
  ].filter(Boolean)
  const facts: [string, string][] = [
    [names('category'), categoryName(names, of.category)],
    [say('auth'), of.auth === 'per_connection' ? say('per_connection') : of.auth],
    [say('address'), of.base_url?.live ?? say('own_address')],
    [say('limits'), limits.join(', ') || say('a_minute', { n: 60 })],
    [say('webhooks'), signedBy(of, say)],
  ]
  return (
    <Stack style={{ flex: '1 1 260px', maxWidth: 420 }} gap="md">
      <Card withBorder component="section">
        <Title order={2} size="h4" mb="sm">
          {say('facts')}
        </Title>
        <dl style={{ margin: 0 }}>
          {facts.map(([name, value]) => (
            <div key={name} style={{ marginBottom: 8 }}>
              <Text component="dt" size="xs" c="dimmed">
                {name}
              </Text>
              <Text component="dd" size="sm" m={0} style={{ wordBreak: 'break-word' }}>
                {value}
              </Text>
            </div>
          ))}
        </dl>
        <Anchor href={of.docs} target="_blank" rel="noreferrer" size="sm">
          {say('vendor')} <IconExternalLink size={12} aria-hidden />
        </Anchor>
      </Card>
      {of.operations.length > 0 && (
        <Card withBorder component="section">
          <Title order={2} size="h4" mb="sm">
            {say('operations')}
          </Title>
          <Group gap={6}>
            {of.operations.map(({ operation }) => (
              <Code key={operation}>{operation}</Code>
            ))}
          </Group>
        </Card>
      )}
    </Stack>
  )
}
