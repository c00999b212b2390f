import { Badge, Card, Group, SimpleGrid, Text, UnstyledButton } from '@mantine/core'
import { Link } from 'react-router'
import { ClearFilters, FilterSelect, FilterText, useFilters } from '../../parts/filters.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { texts } from '../../text/text.ts'
import { Sign } from './badges.tsx'
import { CATEGORIES, categoryName, useNames } from './names.ts'
import { type Provider, useProviders } from './reads.ts'

const useText = texts('catalog', {
  en: {
    title: 'Catalog',
    about: 'Every provider this server knows. Choose one to see how it is set up and to connect to it.',
    find: 'Find a provider',
    operations: 'Operations: {{n}}',
    webhooks: 'Webhooks',
    none: 'No provider matches',
    none_about: 'HTTP connects to any service that speaks it; a provider of your own is one file.',
  },
  'pt-BR': {
    title: 'Catálogo',
    about: 'Todos os provedores que este servidor conhece. Escolha um para ver como configurar e conectar.',
    find: 'Buscar provedor',
    operations: 'Operações: {{n}}',
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
  const filters = useFilters(['q', 'category'])
  const { q = '', category } = filters.set
  return (
    <Page title={say('title')} about={say('about')}>
      <Group gap="xs">
        <FilterText of={filters} name="q" label={say('find')} />
        <FilterSelect
          of={filters}
          name="category"
          label={names('category')}
          choices={CATEGORIES.map((one) => ({ value: one, label: categoryName(names, one) }))}
        />
        <ClearFilters of={filters} />
      </Group>
      <Shown read={read}>{(all) => <Found all={all.filter((one) => fits(one, q, category))} />}</Shown>
    </Page>
  )
}

const fits = (one: Provider, q: string, category: string | undefined): boolean =>
  (category === undefined || one.category === category) &&
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
          <Sign name={of.name} category={of.category} />
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
