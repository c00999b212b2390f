import { Box, Table, Text, Title } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { Id } from '../../parts/id.tsx'
import { money } from '../../parts/money.ts'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import type { PaymentStory, Refund } from './reads.ts'
import { useText } from './text.ts'

/** What was given back of it; nothing where nothing was. */
export function Refunds({ of }: { of: PaymentStory }) {
  const say = useText()
  const { data } = useRead(['payments', of.id, 'refunds'], () =>
    ask(api.GET('/v1/payments/{id}/refunds', { params: { path: { id: of.id }, query: { limit: '200' } } })),
  )
  if (!data || data.data.length === 0) return null
  return (
    <>
      <Title order={2} size="h4">
        {say('refunds')}
      </Title>
      <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('refunds')}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('status')}</Table.Th>
              <Table.Th ta="right">{say('amount')}</Table.Th>
              <Table.Th visibleFrom="sm">{say('vendor_id')}</Table.Th>
              <Table.Th visibleFrom="sm">{say('reason')}</Table.Th>
              <Table.Th ta="right">{say('made')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.data.map((refund) => (
              <RefundLine key={refund.id} of={refund} />
            ))}
          </Table.Tbody>
        </Table>
      </Box>
    </>
  )
}

function RefundLine({ of }: { of: Refund }) {
  return (
    <Table.Tr>
      <Table.Td>
        <State of={of.status} />
        {of.failure && (
          <Text size="xs" c="dimmed">
            {of.failure.message ?? of.failure.reason}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right">{money(of.money)}</Table.Td>
      <Table.Td visibleFrom="sm">{of.vendor_id ? <Id of={of.vendor_id} /> : '–'}</Table.Td>
      <Table.Td visibleFrom="sm">{of.reason ?? '–'}</Table.Td>
      <Table.Td ta="right">
        <When at={of.created_at} />
      </Table.Td>
    </Table.Tr>
  )
}
