import { Box, Table, Text } from '@mantine/core'
import { type Money, money } from '../../parts/money.ts'
import { Empty, Shown } from '../../parts/page.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { type Account, accountName, type Bank, useAccounts } from './reads.ts'
import { useText } from './text.ts'

/** The accounts as the bank told of them last; each leads to its transactions. */
export function AccountsTab({ of }: { of: Bank }) {
  const say = useText()
  const read = useAccounts(of.id)
  return (
    <Shown read={read}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty title={say('account_none')}>{say('account_none_next')}</Empty>
        ) : (
          <AccountTable of={data} />
        )
      }
    </Shown>
  )
}

function AccountTable({ of }: { of: Account[] }) {
  const say = useText()
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('accounts')}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('account')}</Table.Th>
            <Table.Th ta="right">{say('current')}</Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              {say('available')}
            </Table.Th>
            <Table.Th ta="right" visibleFrom="md">
              {say('blocked')}
            </Table.Th>
            <Table.Th ta="right" visibleFrom="md" title={say('drift_about')}>
              {say('drift')}
            </Table.Th>
            <Table.Th ta="right" visibleFrom="sm">
              {say('as_of')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((account) => (
            <AccountLine key={account.id} of={account} />
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

const some = (of: Money | null | undefined): string => (of && of.amount !== '0' ? money(of) : '–')

function AccountLine({ of }: { of: Account }) {
  const say = useText()
  const { balance } = of
  return (
    <Table.Tr>
      <Table.Td>
        <To to={`/banks/${of.bank_id}?tab=transactions&account_id=${of.id}`} fw={600}>
          {accountName(of)}
        </To>
        <Text size="xs" c="dimmed">
          {kindName(say, of.kind)}
          {of.branch && ` · ${of.branch}`}
          {of.gone_at && ` · ${say('gone')}`}
        </Text>
      </Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {balance ? money(balance.current) : '–'}
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        {balance ? money(balance.available) : '–'}
      </Table.Td>
      <Table.Td ta="right" visibleFrom="md">
        {some(balance?.blocked)}
      </Table.Td>
      <Table.Td ta="right" visibleFrom="md">
        {some(balance?.drift)}
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        {balance ? <When at={balance.at} /> : '–'}
      </Table.Td>
    </Table.Tr>
  )
}

const KINDS = ['checking', 'savings', 'payment', 'credit_card', 'loan', 'investment', 'other'] as const

function kindName(say: ReturnType<typeof useText>, kind: string): string {
  const known = KINDS.find((one) => one === kind)
  return known ? say(known) : kind
}
