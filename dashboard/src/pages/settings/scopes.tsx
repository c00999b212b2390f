import { Box, Group, Radio, Stack, Switch, Text } from '@mantine/core'
import { texts } from '../../text/text.ts'

const useText = texts('scopes', {
  en: {
    scopes: 'What it may do',
    all: 'Everything in this company',
    none: 'Nothing',
    read: 'Look',
    operate: 'Operate',
    write: 'Change',
    tenants: 'Company, keys, members',
    connections: 'Connections',
    calls: 'Calls',
    sources: 'Webhooks that come in',
    events: 'Events',
    subscriptions: 'Subscriptions and deliveries',
    payments: 'Payments',
    cards: 'Cards',
    transfers: 'Transfers',
    banking: 'Banking',
    alerts: 'Alerts',
    bodies: 'Whole bodies of calls',
    approve: 'Approve transfers that somebody else asked for',
    one: 'Choose at least one thing it may do.',
  },
  'pt-BR': {
    scopes: 'O que pode fazer',
    all: 'Tudo nesta empresa',
    none: 'Nada',
    read: 'Ver',
    operate: 'Operar',
    write: 'Alterar',
    tenants: 'Empresa, chaves, membros',
    connections: 'Conexões',
    calls: 'Chamadas',
    sources: 'Webhooks que chegam',
    events: 'Eventos',
    subscriptions: 'Assinaturas e entregas',
    payments: 'Pagamentos',
    cards: 'Cartões',
    transfers: 'Transferências',
    banking: 'Bancos',
    alerts: 'Alertas',
    bodies: 'Corpos inteiros das chamadas',
    approve: 'Aprovar transferências pedidas por outra pessoa',
    one: 'Escolha ao menos uma coisa que pode fazer.',
  },
})

const ROOMS = [
  'connections',
  'calls',
  'sources',
  'events',
  'subscriptions',
  'payments',
  'cards',
  'transfers',
  'banking',
  'alerts',
  'tenants',
] as const
/** Where there is something to mend short of changing it. */
const OPERATED: readonly string[] = ['connections', 'calls', 'sources', 'subscriptions', 'banking', 'alerts']
/** Given one by one, beside the rights to a room. */
const SINGLE = { bodies: 'bodies:read', approve: 'transfers:approve' } as const
const SINGLES: readonly string[] = Object.values(SINGLE)
type Right = 'none' | 'read' | 'operate' | 'write'

/** Scopes as people think of them: of each room nothing, looking, operating or changing. */
export function ScopePicker({ value, onChange }: { value: string[]; onChange: (scopes: string[]) => void }) {
  const say = useText()
  const is_all = value.includes('*')
  const set = (room: string, right: Right) => {
    const others = value.filter((scope) => SINGLES.includes(scope) || scope.split(':')[0] !== room)
    onChange([...others, ...scopesOf(room, right)])
  }
  return (
    <Box component="fieldset" bd="none" p={0} m={0}>
      <Text component="legend" size="sm" fw={600} mb="xs">
        {say('scopes')}
      </Text>
      <Stack gap="xs">
        <Switch
          label={say('all')}
          checked={is_all}
          onChange={(event) => onChange(event.currentTarget.checked ? ['*'] : [])}
        />
        {!is_all &&
          ROOMS.map((room) => (
            <RoomRight
              key={room}
              label={say(room)}
              value={rightOf(room, value)}
              is_operated={OPERATED.includes(room)}
              onChange={(right) => set(room, right)}
            />
          ))}
        {!is_all &&
          (['bodies', 'approve'] as const).map((one) => (
            <Switch
              key={one}
              label={say(one)}
              checked={value.includes(SINGLE[one])}
              onChange={(event) =>
                onChange([
                  ...value.filter((scope) => scope !== SINGLE[one]),
                  ...(event.currentTarget.checked ? [SINGLE[one]] : []),
                ])
              }
            />
          ))}
        {value.length === 0 && (
          <Text size="sm" c="red">
            {say('one')}
          </Text>
        )}
      </Stack>
    </Box>
  )
}

type RoomProps = { label: string; value: Right; is_operated: boolean; onChange: (right: Right) => void }

const RIGHTS = ['none', 'read', 'operate', 'write'] as const

function RoomRight({ label, value, is_operated, onChange }: RoomProps) {
  const say = useText()
  return (
    <Radio.Group value={value} onChange={(right) => onChange(right as Right)} aria-label={label}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" flex={1} miw={150}>
          {label}
        </Text>
        <Group gap="sm">
          {RIGHTS.map((right) => (
            <Radio
              key={right}
              size="xs"
              value={right}
              label={say(right)}
              // Kept in its place, so that the columns stand in line.
              style={right === 'operate' && !is_operated ? { visibility: 'hidden' } : undefined}
            />
          ))}
        </Group>
      </Group>
    </Radio.Group>
  )
}

/** Who changes and operates looks too: a key that may write and not read would surprise everybody. */
function scopesOf(room: string, right: Right): string[] {
  if (right === 'none') return []
  // Who asks for money to go is not who lets it go.
  if (right === 'write') return room === 'transfers' ? ['transfers:read', 'transfers:write'] : [`${room}:*`]
  return right === 'operate' ? [`${room}:read`, `${room}:operate`] : [`${room}:read`]
}

function rightOf(room: string, scopes: string[]): Right {
  if (scopes.includes(`${room}:*`) || scopes.includes(`${room}:write`)) return 'write'
  if (scopes.includes(`${room}:operate`)) return 'operate'
  return scopes.includes(`${room}:read`) ? 'read' : 'none'
}
