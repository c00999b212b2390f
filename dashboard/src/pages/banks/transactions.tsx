import { Button, Menu, Stack, Text, TextInput } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct, usePages } from '../../api/hooks.ts'
import { nameIn } from '../../api/names.ts'
import type { QueryOf } from '../../api/types.ts'
import { download } from '../../parts/download.ts'
import { FilterBar, FilterSelect, type Filters, FilterText, useFilters } from '../../parts/filters.tsx'
import { money } from '../../parts/money.ts'
import { Empty } from '../../parts/page.tsx'
import { type Column, cut, DataTable } from '../../parts/table.tsx'
import { spoken } from '../../text/text.ts'
import { Category } from './category.tsx'
import { KINDS, useKindName } from './kinds.ts'
import {
  type Account,
  accountName,
  type Bank,
  type Transaction,
  useAccounts,
  useAllAccounts,
  useBankNames,
} from './reads.ts'
import { useText } from './text.ts'

type Query = QueryOf<'/v1/bank-transactions'>

const NAMES = ['user_id', 'account_id', 'from', 'to', 'status', 'category', 'kind', 'text'] as const
const STATUSES = ['booked', 'pending', 'future'] as const satisfies readonly Transaction['status'][]
/** A day of a bank is one of São Paulo, here and in what the filters ask. */
const TIME_ZONE = 'America/Sao_Paulo'

/** Over all banks. */
export function Component() {
  return <Transactions accounts={useAllAccounts(true).data?.data ?? []} />
}

export function TransactionsTab({ of }: { of: Bank }) {
  return <Transactions bank_id={of.id} accounts={useAccounts(of.id).data?.data ?? []} />
}

function Transactions({ bank_id, accounts }: { bank_id?: string; accounts: Account[] }) {
  const say = useText()
  const filters = useFilters(NAMES)
  const asked = { ...filters.set, ...(bank_id !== undefined && { bank_id }) } as Query
  const pages = usePages<Transaction>(['banks', 'transactions', asked], (cursor) =>
    ask(api.GET('/v1/bank-transactions', { params: { query: { ...asked, cursor, limit: '100' } } })),
  )
  return (
    <Stack gap="sm">
      <FilterBar of={filters} beside={<Export of={asked} />}>
        <Fields of={filters} accounts={accounts} with_person={bank_id === undefined} />
      </FilterBar>
      <DataTable
        label={say('transactions')}
        columns={useColumns(accounts, bank_id === undefined)}
        pages={pages}
        id={({ id }) => id}
        empty={
          filters.is_any ? undefined : (
            <Empty title={say('transaction_none')}>{say('transaction_none_next')}</Empty>
          )
        }
      />
    </Stack>
  )
}

type FieldsProps = { of: Filters<(typeof NAMES)[number]>; accounts: Account[]; with_person: boolean }

function Fields({ of, accounts, with_person }: FieldsProps) {
  const say = useText()
  const kind = useKindName()
  return (
    <>
      {with_person && <FilterText of={of} name="user_id" label={say('person')} />}
      <FilterSelect
        of={of}
        name="account_id"
        label={say('account')}
        choices={accounts.map((one) => ({ value: one.id, label: accountName(one) }))}
      />
      <Day of={of} name="from" label={say('since')} />
      <Day of={of} name="to" label={say('until')} />
      <FilterSelect
        of={of}
        name="status"
        label={say('status')}
        choices={STATUSES.map((value) => ({ value, label: say(value) }))}
      />
      <FilterText of={of} name="category" label={say('category')} />
      <FilterSelect
        of={of}
        name="kind"
        label={say('kind')}
        choices={KINDS.map((value) => ({ value, label: kind(value) }))}
      />
      <FilterText of={of} name="text" label={say('text')} />
    </>
  )
}

type DayProps = { of: Filters<(typeof NAMES)[number]>; name: 'from' | 'to'; label: string }

function Day({ of, name, label }: DayProps) {
  return (
    <TextInput
      type="date"
      size="xs"
      w={150}
      aria-label={label}
      title={label}
      value={of.set[name] ?? ''}
      onChange={({ currentTarget: { value } }) => of.change(name, value || null)}
    />
  )
}

/** What the list shows, as a file: OFX is a statement of one account. */
function Export({ of }: { of: Query }) {
  const say = useText()
  const saving = useAct({
    act: (format: 'csv' | 'ofx') => {
      const query = new URLSearchParams({ ...(of as Record<string, string>), format })
      return download(`/v1/bank-transactions/export?${query}`, `transactions.${format}`)
    },
    done: say('exported'),
  })
  const is_of_one = of.account_id !== undefined
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} />}
          loading={saving.isPending}
        >
          {say('export')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => saving.mutate('csv')}>{say('as_csv')}</Menu.Item>
        <Menu.Item disabled={!is_of_one} onClick={() => saving.mutate('ofx')}>
          {say(is_of_one ? 'as_ofx' : 'ofx_of_one')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function useColumns(accounts: Account[], of_all: boolean): Column<Transaction>[] {
  const say = useText()
  const kind = useKindName()
  const banks = useBankNames()
  const nameOf = ({ account_id, bank_id }: Transaction): string => {
    const account = accounts.find(({ id }) => id === account_id)
    const [name, bank] = [account ? accountName(account) : '', nameIn(banks, bank_id)]
    return (of_all && !name.startsWith(bank) ? [bank, name] : [name]).filter(Boolean).join(' · ') || '–'
  }
  return [
    { title: say('day'), width: 100, cell: ({ at }) => <DayOf at={at} /> },
    { title: say('description'), cell: (one) => <What of={one} /> },
    { title: say('kind'), width: 100, wide: true, cell: (one) => kind(one.kind) },
    {
      title: say('account'),
      wide: true,
      cell: (one) => cut(nameOf(one), 200),
    },
    { title: say('category'), width: 190, wide: true, cell: (one) => <Category of={one} /> },
    {
      title: say('amount'),
      width: 130,
      right: true,
      cell: ({ money: of }) => (
        <Text span size="sm" fw={600} style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
          {money(of)}
        </Text>
      ),
    },
  ]
}

function DayOf({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at} style={{ whiteSpace: 'nowrap' }}>
      {new Date(at).toLocaleDateString(spoken(), { dateStyle: 'short', timeZone: TIME_ZONE })}
    </time>
  )
}

/** What it says, whom it was with, and that it is not booked where it is not. */
function What({ of: { description, counterparty, status } }: { of: Transaction }) {
  const say = useText()
  const text = [description, counterparty?.['name']].filter(Boolean).join(' · ') || '–'
  return (
    <Text size="sm" truncate maw={{ base: 105, sm: 320 }} title={text}>
      {status !== 'booked' && (
        <Text span inherit c="dimmed">
          {say(status)} ·{' '}
        </Text>
      )}
      {text}
    </Text>
  )
}
