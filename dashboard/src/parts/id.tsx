import { Anchor, Code, Group } from '@mantine/core'
import { Link } from 'react-router'
import { Copy } from './copy.tsx'

/** An id, as a link where it leads somewhere, and copied at a click. */
export function Id({ of, to, whole = false }: { of: string; to?: string; whole?: boolean }) {
  const shown = whole || of.length <= 14 ? of : `${of.slice(0, of.indexOf('_') + 1)}…${of.slice(-6)}`
  const code = (
    <Code title={of} style={whole ? undefined : { whiteSpace: 'nowrap' }}>
      {shown}
    </Code>
  )
  return (
    <Group gap={2} wrap="nowrap" component="span">
      {to ? (
        <Anchor component={Link} to={to}>
          {code}
        </Anchor>
      ) : (
        code
      )}
      <Copy text={of} />
    </Group>
  )
}
