import { Card, SimpleGrid, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** Figures side by side, each under its name. */
export function Stats({ of }: { of: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      {of.map(([name, value]) => (
        <Card key={name} withBorder padding="sm">
          <Text size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="div" fw={600} fz="lg" style={{ fontVariantNumeric: 'tabular-nums' }}>
            {value}
          </Text>
        </Card>
      ))}
    </SimpleGrid>
  )
}

type PartProps = { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }

/** A part of a page, under its own heading. */
export function Part({ title, about, actions, children }: PartProps) {
  return (
    <Card withBorder component="section" padding="md">
      <div style={{ display: 'flex', justifyContent: 'space-between', gap: 12, flexWrap: 'wrap' }}>
        <div>
          <Title order={2} size="h5">
            {title}
          </Title>
          {about && (
            <Text size="xs" c="dimmed" mt={2}>
              {about}
            </Text>
          )}
        </div>
        {actions && <div>{actions}</div>}
      </div>
      <div style={{ marginTop: 12 }}>{children}</div>
    </Card>
  )
}
