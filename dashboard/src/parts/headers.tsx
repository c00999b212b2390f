import { Table, Text } from '@mantine/core'
import { texts } from '../text/text.ts'

const useText = texts('headers', { en: { none: 'No headers' }, 'pt-BR': { none: 'Sem cabeçalhos' } })

export type Headers = Record<string, unknown>

/** Headers as they were on the wire. */
export function HeaderList({ of }: { of: Headers | null }) {
  const say = useText()
  const entries = Object.entries(of ?? {})
  if (entries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {say('none')}
      </Text>
    )
  }
  return (
    <Table withRowBorders={false} verticalSpacing={2} fz="xs" layout="fixed">
      <Table.Tbody>
        {entries.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w="34%" fw={500} c="dimmed" style={{ wordBreak: 'break-word', verticalAlign: 'top' }}>
              {name}
            </Table.Th>
            <Table.Td ff="monospace" style={{ wordBreak: 'break-all' }}>
              {String(value)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** One header a line, to compare and to copy. */
export const headerLines = (headers: Headers | null): string =>
  Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n')
