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
    banking: 'Banking',
    alerts: 'Alerts',
    bodies: 'Whole bodies of calls',
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
    banking: 'Bancos',
    alerts: 'Alertas',
    bodies: 'Corpos inteiros das chamadas',
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
  'banking',
  'alerts',
  'tenants',
] as const
/** Where there is something to mend short of changing it. */
const OPERATED: readonly string[] = ['connections', 'calls', 'sources', 'subscriptions', 'banking', 'alerts']
type Right = 'none' | 'read' | 'operate' | 'write'

/** Scopes as people think of them: of each room nothing, looking, operating or changing. */
export function ScopePicker({ value, onChange }: { value: string[]; onChange: (scopes: string[]) => void }) {
  const say = useText()
  const is_all = value.includes('*')
  const set = (room: string, right: Right) => {
    const others = value.filter((scope) => scope.split(':')[0] !== room)
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
        {!is_all && (
          <Switch
            label={say('bodies')}
            checked={value.includes('bodies:read')}
            onChange={(event) =>
              onChange([
                ...value.filter((scope) => scope !== 'bodies:read'),
                ...(event.currentTarget.checked ? ['bodies:read'] : []),
              ])
            }
          />
        )}
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
  if (right === 'write') return [`${room}:*`]
  return right === 'operate' ? [`${room}:read`, `${room}:operate`] : [`${room}:read`]
}

function rightOf(room: string, scopes: string[]): Right {
  if (scopes.includes(`${room}:*`)) return 'write'
  if (scopes.includes(`${room}:operate`)) return 'operate'
  return scopes.includes(`${room}:read`) ? 'read' : 'none'
}
