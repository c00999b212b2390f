import { Badge, Card, Group, Select, SimpleGrid, Text, TextInput, UnstyledButton } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { Link } from 'react-router'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'
import { useKept } from './address.ts'
import { Sign } from './badges.tsx'
import { CATEGORIES, categoryName, useNames } from './names.ts'
import { type Provider, useProviders } from './reads.ts'

const useText = texts('catalog', {
  en: {
    title: 'Catalog',
    about: 'Every provider this server knows. Choose one to see how it is set up and to connect to it.',
    find: 'Find a provider',
    any_category: 'Any category',
    operations: '{{n}} operations',
    webhooks: 'Webhooks',
    none: 'No provider matches',
    none_about: 'HTTP connects to any service that speaks it; a provider of your own is one file.',
  },
  'pt-BR': {
    title: 'Catálogo',
    about: 'Todos os provedores que este servidor conhece. Escolha um para ver como configurar e conectar.',
    find: 'Buscar provedor',
    any_category: 'Qualquer categoria',
    operations: '{{n}} operações',
    webhooks: 'Webhooks',
    none: 'Nenhum provedor corresponde',
    none_about: 'HTTP conecta a qualquer serviço que fale esse protocolo; um provedor próprio é um arquivo.',
  },
})

/** The providers there are, to choose one from. */
export function Component() {
  const say = useText()
  const names = useNames()
  const read = useProviders()
  const [q, setQ] = useKept('q', '')
  const [category, setCategory] = useKept('category', 'all')
  return (
    <Page title={say('title')} about={say('about')}>
      <Group gap="xs">
        <TextInput
          leftSection={<IconSearch size={16} />}
          aria-label={say('find')}
          placeholder={say('find')}
          value={q}
          onChange={({ currentTarget }) => setQ(currentTarget.value)}
          w={{ base: '100%', xs: 260 }}
        />
        <Select
          aria-label={names('category')}
          value={category}
          onChange={setCategory}
          allowDeselect={false}
          w={190}
          data={[
            { value: 'all', label: say('any_category') },
            ...CATEGORIES.map((one) => ({ value: one, label: categoryName(names, one) })),
          ]}
        />
      </Group>
      <Shown read={read}>{(all) => <Found all={all.filter((one) => fits(one, q, category))} />}</Shown>
    </Page>
  )
}

const fits = (one: Provider, q: string, category: string): boolean =>
  (category === 'all' || one.category === category) &&
  `${one.name} ${one.id} ${one.category}`.toLowerCase().includes(q.trim().toLowerCase())

function Found({ all }: { all: Provider[] }) {
  const say = useText()
  if (all.length === 0) return <Empty title={say('none')}>{say('none_about')}</Empty>
  const sorted = [...all].sort((a, b) => a.name.localeCompare(b.name))
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3, xl: 4 }} spacing="md">
      {sorted.map((one) => (
        <ProviderCard key={one.id} of={one} />
      ))}
    </SimpleGrid>
  )
}

function ProviderCard({ of }: { of: Provider }) {
  const say = useText()
  const names = useNames()
  return (
    <UnstyledButton component={Link} to={`/connections/catalog/${of.id}`} h="100%">
      <Card withBorder padding="md" h="100%">
        <Group wrap="nowrap" gap="sm">
          <Sign name={of.name} />
          <div style={{ minWidth: 0 }}>
            <Text fw={600} truncate>
              {of.name}
            </Text>
            <Text size="xs" c="dimmed">
              {categoryName(names, of.category)}
            </Text>
          </div>
        </Group>
        <Group gap={6} mt="sm">
          {of.operations.length > 0 && (
            <Badge variant="light" color="gray" tt="none">
              {say('operations', { n: of.operations.length })}
            </Badge>
          )}
          {of.webhooks && (
            <Badge variant="light" color="gray" tt="none">
              {say('webhooks')}
            </Badge>
          )}
        </Group>
      </Card>
    </UnstyledButton>
  )
}
