import { Text } from '@mantine/core'
import type { Authorization } from './reads.ts'

/** Who asked for money, what kind of shop it is and where. */
export function Merchant({ of }: { of: Authorization['merchant'] }) {
  return (
    <>
      <Text size="sm" truncate maw={{ base: 130, sm: 220 }}>
        {of.name ?? '–'}
      </Text>
      <Text size="xs" c="dimmed" truncate maw={{ base: 130, sm: 220 }}>
        {[of.category ?? of.category_code, of.city, of.country].filter(Boolean).join(' · ')}
      </Text>
    </>
  )
}
