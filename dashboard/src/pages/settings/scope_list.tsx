import { Badge, Group, Tooltip } from '@mantine/core'

const MOST = 3

/** The first few scopes; all of them on hover. */
export function ScopeList({ of }: { of: string[] }) {
  const rest = of.length - MOST
  return (
    <Tooltip label={of.join(', ')} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      <Group gap={4} wrap="nowrap" tabIndex={0}>
        {of.slice(0, MOST).map((scope) => (
          <Badge key={scope} variant="default" size="sm" tt="none" fw={500}>
            {scope}
          </Badge>
        ))}
        {rest > 0 && (
          <Badge variant="transparent" size="sm" color="gray">
            +{rest}
          </Badge>
        )}
      </Group>
    </Tooltip>
  )
}
