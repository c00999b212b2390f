import { Box, Code, Group } from '@mantine/core'
import { Copy } from './copy.tsx'

/** What somebody else knows a thing by, copied at a click. */
export function Known({ of }: { of: string }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>{of}</Code>
      <Copy text={of} />
    </Group>
  )
}

/** What a tenant noted on a thing of its own; nothing where it noted nothing. */
export function Metadata({ of }: { of: Record<string, string> }) {
  return (
    <Group gap="xs" component="span">
      {Object.entries(of).map(([name, value]) => (
        <Box key={name} component="span">
          <Code>{name}</Code> {value}
        </Box>
      ))}
    </Group>
  )
}
