import { Button, Kbd, Text } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { Spotlight, spotlight } from '@mantine/spotlight'
import '@mantine/spotlight/styles.layer.css'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, ask } from '../api/client.ts'
import { useRead } from '../api/hooks.ts'
import { useStateName } from '../parts/state.tsx'
import { PLACES } from '../places.tsx'
import { texts } from '../text/text.ts'

const useText = texts('finder', {
  en: {
    open: 'Find anything',
    place: 'Any id, ours or a provider’s, an e-mail, a CPF, the end of a card',
    none: 'Nothing is known by that',
    searching: 'Looking…',
    pages: 'Pages',
    found: 'Found',
    is_more: 'There is more: the lists of messages and calls find all of it by the same id.',
  },
  'pt-BR': {
    open: 'Encontrar qualquer coisa',
    place: 'Qualquer id, nosso ou do provedor, e-mail, CPF, final de um cartão',
    none: 'Nada é conhecido por isso',
    searching: 'Procurando…',
    pages: 'Páginas',
    found: 'Encontrado',
    is_more: 'Há mais: as listas de mensagens e de chamadas acham tudo pelo mesmo id.',
  },
})

const useKindText = texts('kinds', {
  en: {
    card: 'Card',
    card_authorization: 'Card authorization',
    card_transaction: 'Card transaction',
    payment: 'Payment',
    refund: 'Refund',
    dispute: 'Dispute',
    bank: 'Bank',
    bank_account: 'Bank account',
    bank_consent: 'Bank consent',
    bank_transaction: 'Bank transaction',
    transfer: 'Transfer',
    connection: 'Connection',
    source: 'Source',
    subscription: 'Subscription',
    member: 'Member',
    person: 'Person',
    message: 'Message',
    quarantine: 'Quarantined message',
    event: 'Event',
    delivery: 'Delivery',
    call: 'Call',
    batch: 'Batch',
  },
  'pt-BR': {
    card: 'Cartão',
    card_authorization: 'Autorização de cartão',
    card_transaction: 'Transação de cartão',
    payment: 'Pagamento',
    refund: 'Reembolso',
    dispute: 'Contestação',
    bank: 'Banco',
    bank_account: 'Conta bancária',
    bank_consent: 'Consentimento',
    bank_transaction: 'Transação bancária',
    transfer: 'Transferência',
    connection: 'Conexão',
    source: 'Fonte',
    subscription: 'Assinatura',
    member: 'Membro',
    person: 'Pessoa',
    message: 'Mensagem',
    quarantine: 'Mensagem em quarentena',
    event: 'Evento',
    delivery: 'Entrega',
    call: 'Chamada',
    batch: 'Lote',
  },
})

/** What a kind is called; one that is new to this page goes by its own word. */
function useKinds(): (kind: string) => string {
  const say = useKindText()
  return (kind) => say(kind as never)
}

/** The place of each kind; what crosses the border has a story. */
const PLACE_OF: Record<string, (id: string) => string> = {
  card: (id) => `/cards/${id}`,
  connection: (id) => `/connections/${id}`,
  source: (id) => `/inbound/sources/${id}`,
  subscription: (id) => `/outbound/subscriptions/${id}`,
  payment: (id) => `/payments/${id}`,
  bank: (id) => `/banks/${id}`,
  transfer: (id) => `/transfers/${id}`,
  member: () => '/settings/members',
}
const PREFIXES: Record<string, string> = { crd: 'card', pay: 'payment', bnk: 'bank', trf: 'transfer' }

/** Where a thing is looked at: on its own page, or on that of what it is part of. */
export function pathOf(kind: string, id: string, part_of: string | null = null): string {
  if (kind === 'person') return '/settings/people'
  const whole = part_of === null ? undefined : PREFIXES[part_of.slice(0, part_of.indexOf('_'))]
  if (part_of !== null && whole) return PLACE_OF[whole]?.(part_of) ?? `/story/${id}`
  return PLACE_OF[kind]?.(id) ?? `/story/${id}`
}

const KINDS_OF_PLACES: Record<string, string> = {
  ...PREFIXES,
  con: 'connection',
  src: 'source',
  sub: 'subscription',
  msg: 'message',
  evt: 'event',
  dlv: 'delivery',
  call: 'call',
}

/** Where an id leads by what it begins with; null where it is none of ours, or has no place. */
export function placeOf(id: string): string | null {
  const kind = KINDS_OF_PLACES[id.slice(0, id.indexOf('_'))]
  return kind === undefined ? null : pathOf(kind, id)
}

/** One box that finds anything: `/` or ⌘K. */
export function Finder() {
  const say = useText()
  const place = PLACES.useText()
  const kindName = useKinds()
  const state = useStateName()
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
              {hits.map((hit) => (
                <Spotlight.Action
                  key={`${hit.kind} ${hit.id}`}
                  label={hit.title ?? hit.id}
                  description={[kindName(hit.kind), hit.state && state(hit.state), hit.id]
                    .filter(Boolean)
                    .join(' · ')}
                  onClick={() => navigate(pathOf(hit.kind, hit.id, hit.part_of))}
                />
              ))}
              {read.data?.is_more && (
                <Text size="xs" c="dimmed" p="xs">
                  {say('is_more')}
                </Text>
              )}
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
