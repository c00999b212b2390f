import { Button, Kbd, Text } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { Spotlight, spotlight } from '@mantine/spotlight'
import '@mantine/spotlight/styles.layer.css'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, ask } from '../api/client.ts'
import { useRead } from '../api/hooks.ts'
import { PLACES } from '../places.tsx'
import { texts } from '../text/text.ts'

const useText = texts('finder', {
  en: {
    open: 'Find anything',
    place: 'Any id, ours or a provider’s, an event type, an e-mail, a CPF',
    none: 'Nothing is known by that',
    searching: 'Looking…',
    pages: 'Pages',
    found: 'Found',
  },
  'pt-BR': {
    open: 'Encontrar qualquer coisa',
    place: 'Qualquer id, nosso ou do provedor, tipo de evento, e-mail, CPF',
    none: 'Nada é conhecido por isso',
    searching: 'Procurando…',
    pages: 'Páginas',
    found: 'Encontrado',
  },
})

/** Where a thing is looked at; what crosses the border has a story. */
export function pathOf(kind: string, id: string): string {
  if (kind === 'connection') return `/connections/${id}`
  if (kind === 'source') return `/inbound/sources/${id}`
  if (kind === 'subscription') return `/outbound/subscriptions/${id}`
  if (kind === 'payment') return `/payments/${id}`
  return `/story/${id}`
}

/** One box that finds anything: `/` or ⌘K. */
export function Finder() {
  const say = useText()
  const place = PLACES.useText()
  const navigate = useNavigate()
  const [query, setQuery] = useState('')
  const [asked] = useDebouncedValue(query.trim(), 200)
  const read = useRead(
    ['search', asked],
    () => ask(api.GET('/v1/search', { params: { query: { q: asked } } })),
    {
      enabled: asked.length >= 3,
    },
  )
  useHotkeys([['/', spotlight.open]])
  const hits = asked.length >= 3 ? (read.data?.data ?? []) : []
  const pages = PLACES.list.filter(({ name }) =>
    place(name).toLowerCase().includes(query.trim().toLowerCase()),
  )
  return (
    <>
      <Button
        variant="default"
        px={{ base: 8, sm: 'md' }}
        leftSection={<IconSearch size={16} />}
        rightSection={
          <Kbd visibleFrom="sm" aria-hidden>
            /
          </Kbd>
        }
        onClick={spotlight.open}
        aria-label={say('open')}
      >
        <Text span inherit visibleFrom="sm">
          {say('open')}
        </Text>
      </Button>
      <Spotlight.Root query={query} onQueryChange={setQuery} shortcut={['mod + K']} clearQueryOnClose>
        <Spotlight.Search
          placeholder={say('place')}
          aria-label={say('place')}
          leftSection={<IconSearch size={18} />}
        />
        <Spotlight.ActionsList>
          {hits.length > 0 && (
            <Spotlight.ActionsGroup label={say('found')}>
              {hits.map(({ kind, id }) => (
                <Spotlight.Action
                  key={`${kind} ${id}`}
                  label={id}
                  description={kind}
                  onClick={() => navigate(pathOf(kind, id))}
                />
              ))}
            </Spotlight.ActionsGroup>
          )}
          {pages.length > 0 && (
            <Spotlight.ActionsGroup label={say('pages')}>
              {pages.map(({ name, to, Icon }) => (
                <Spotlight.Action
                  key={to}
                  label={place(name)}
                  leftSection={<Icon size={18} />}
                  onClick={() => navigate(to)}
                />
              ))}
            </Spotlight.ActionsGroup>
          )}
          {hits.length === 0 && pages.length === 0 && (
            <Spotlight.Empty>{read.isFetching ? say('searching') : say('none')}</Spotlight.Empty>
          )}
        </Spotlight.ActionsList>
      </Spotlight.Root>
    </>
  )
}
