import { Box, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'

export type Fact = { name: string; value: ReactNode; whole?: boolean }

/** What there is to know of one thing, as names and values; those without a value are left out. */
export function Facts({ of, narrow = false }: { of: Fact[]; narrow?: boolean }) {
  const told = of.filter(
    ({ value }) => value !== null && value !== undefined && value !== '' && value !== false,
  )
  return (
    <SimpleGrid
      component="dl"
      cols={narrow ? 2 : { base: 2, sm: 3, lg: 4 }}
      spacing="md"
      verticalSpacing="sm"
      m={0}
    >
      {told.map(({ name, value, whole }) => (
        <Box key={name} style={whole ? { gridColumn: '1 / -1' } : undefined} miw={0}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </Box>
      ))}
    </SimpleGrid>
  )
}
