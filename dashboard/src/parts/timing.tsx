import { ColorSwatch, Group, Progress, Text } from '@mantine/core'
import { texts } from '../text/text.ts'
import { duration } from './figures.ts'

const useText = texts('timing', {
  en: {
    timing: 'Where the time went',
    dns: 'Name look-up',
    connect: 'Connection',
    tls: 'TLS',
    wait: 'Waiting for the answer',
    receive: 'Receiving',
  },
  'pt-BR': {
    timing: 'Onde o tempo foi gasto',
    dns: 'Consulta de nome',
    connect: 'Conexão',
    tls: 'TLS',
    wait: 'Espera pela resposta',
    receive: 'Recebimento',
  },
})

/** `dns`, `connect` and `tls` only where a new connection needed them; the others count from the beginning. */
export type TimingOf = {
  dns_ms?: number
  connect_ms?: number
  tls_ms?: number
  first_byte_ms?: number
  total_ms?: number
}

const COLORS = { dns: 'grape', connect: 'orange', tls: 'yellow', wait: 'cyan', receive: 'teal' } as const
type Part = keyof typeof COLORS

export function Timing({ of }: { of: TimingOf }) {
  const say = useText()
  const parts = partsOf(of)
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0)
  if (total === 0) return null
  return (
    <div>
      <Progress.Root size="sm" role="img" aria-label={say('timing')}>
        {parts.map(([name, ms]) => (
          <Progress.Section key={name} value={(ms / total) * 100} color={COLORS[name]} withAria={false} />
        ))}
      </Progress.Root>
      <Group gap="md" mt={6}>
        {parts.map(([name, ms]) => (
          <Group key={name} gap={6}>
            <ColorSwatch color={`var(--mantine-color-${COLORS[name]}-filled)`} size={8} withShadow={false} />
            <Text size="xs">
              {say(name)} {duration(ms)}
            </Text>
          </Group>
        ))}
      </Group>
    </div>
  )
}

function partsOf({ dns_ms = 0, connect_ms = 0, tls_ms = 0, first_byte_ms = 0, total_ms = 0 }: TimingOf) {
  const parts: [Part, number][] = [
    ['dns', dns_ms],
    ['connect', connect_ms],
    ['tls', tls_ms],
    ['wait', Math.max(0, first_byte_ms - dns_ms - connect_ms - tls_ms)],
    ['receive', Math.max(0, total_ms - first_byte_ms)],
  ]
  return parts.filter(([, ms]) => ms > 0)
}
