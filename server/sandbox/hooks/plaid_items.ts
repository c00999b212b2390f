import { randomUUID } from 'node:crypto'
import { json, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'

/**
 * Plaid's items: link token, public token (`/sandbox/public_token/create`), exchange, accounts, balances and
 * `/transactions/sync` with its cursor. An item begins with a checking account, a card and three transactions, one of
 * them pending; `/sandbox/transactions/create` adds some, and `/sandbox/transactions/settle` (ours alone) books what is pending, under
 * another id, as banks do. plaid.com/docs/api
 */
type Item = {
  id: string
  webhook: string | null
  accounts: Account[]
  /** In the order it happened; a cursor says how much of it was read. */
  log: Change[]
}
type Account = { account_id: string; [name: string]: unknown }
type Row = { transaction_id: string; account_id: string; pending: boolean; [name: string]: unknown }
type Change =
  | { kind: 'added' | 'modified'; row: Row }
  | { kind: 'removed'; row: Pick<Row, 'transaction_id' | 'account_id'> }

const MOST = 1_000
const DAY_MS = 86_400_000

export function createItems() {
  const links = new Map<string, true>()
  const items = new Map<string, Item>()

  const ways: Record<string, (asked: Record<string, unknown>) => SandboxReply> = {
    '/institutions/get': () =>
      well({ institutions: [{ institution_id: 'ins_109508', name: 'First Platypus Bank' }], total: 1 }),
    '/link/token/create': ({ user, products }) =>
      user && products
        ? well({
            link_token: `link-sandbox-${randomUUID()}`,
            expiration: new Date(Date.now() + 4 * 3_600_000).toISOString(),
          })
        : wrong(
            'INVALID_REQUEST',
            'MISSING_FIELDS',
            'the following required fields are missing: user, products',
          ),
    '/sandbox/public_token/create': () => {
      const public_token = `public-sandbox-${randomUUID()}`
      remember(links, public_token, true, MOST)
      return well({ public_token })
    },
    '/item/public_token/exchange': ({ public_token }) => {
      if (!links.delete(String(public_token)))
        return wrong('INVALID_INPUT', 'INVALID_PUBLIC_TOKEN', 'could not find matching public token')
      const access_token = `access-sandbox-${randomUUID()}`
      const item = newItem()
      remember(items, access_token, item, MOST)
      return well({ access_token, item_id: item.id })
    },
  }
  const ofItem: Record<string, (item: Item, asked: Record<string, unknown>) => SandboxReply> = {
    '/item/get': (item) => well({ item: shown(item), status: null }),
    '/item/webhook/update': setWebhook,
    '/accounts/get': (item) => well({ accounts: item.accounts, item: shown(item) }),
    '/accounts/balance/get': ({ accounts }, { options }) => {
      const wanted = (options as { account_ids?: string[] } | undefined)?.account_ids
      return well({ accounts: accounts.filter(({ account_id }) => !wanted || wanted.includes(account_id)) })
    },
    '/transactions/sync': changes,
    '/sandbox/transactions/create': create,
    '/sandbox/transactions/settle': settle,
  }

  return ({ method, path, headers, body }: SandboxRequest): SandboxReply | null => {
    const way = ways[path]
    const within = ofItem[path]
    if (method !== 'POST' || (!way && !within)) return null
    if (!headers['plaid-client-id'] || !headers['plaid-secret'])
      return wrong('INVALID_INPUT', 'INVALID_API_KEYS', 'invalid client_id or secret provided')
    const asked = (readJson(body) ?? {}) as Record<string, unknown>
    if (way) return way(asked)
    const item = items.get(String(asked['access_token']))
    if (!item || !within)
      return wrong('INVALID_INPUT', 'INVALID_ACCESS_TOKEN', 'could not find matching access token')
    return within(item, asked)
  }
}

function setWebhook(item: Item, { webhook }: Record<string, unknown>): SandboxReply {
  item.webhook = typeof webhook === 'string' ? webhook : null
  return well({ item: shown(item) })
}

const shown = ({ id, webhook }: Item) => ({
  item_id: id,
  institution_id: 'ins_109508',
  webhook,
  error: null,
})

const well = (told: object) => json(200, { ...told, request_id: randomUUID().slice(0, 15) })
const wrong = (error_type: string, error_code: string, error_message: string) =>
  json(400, { error_type, error_code, error_message, display_message: null, request_id: 'RZ6Omi1bzzwDaLo' })

function newItem(): Item {
  const [checking, card] = [randomUUID(), randomUUID()]
  const balances = { available: 100, current: 110, limit: null, iso_currency_code: 'USD' }
  const accounts = [
    {
      account_id: checking,
      name: 'Plaid Checking',
      mask: '0000',
      type: 'depository',
      subtype: 'checking',
      balances,
    },
    {
      account_id: card,
      name: 'Plaid Credit Card',
      mask: '3333',
      type: 'credit',
      subtype: 'credit card',
      balances: { available: null, current: 410.5, limit: 2000, iso_currency_code: 'USD' },
    },
  ]
  const rows = [
    made(checking, 6.33, 'Uber 072515 SF**POOL**', 3),
    made(checking, -4.22, 'INTRST PYMNT', 2),
    made(card, 89.4, 'SparkFun', 0, true),
  ]
  return {
    id: `item-${randomUUID()}`,
    webhook: null,
    accounts,
    log: rows.map((row) => ({ kind: 'added', row })),
  }
}

const made = (account_id: string, amount: number, name: string, days_ago: number, pending = false): Row => ({
  transaction_id: randomUUID(),
  account_id,
  amount,
  iso_currency_code: 'USD',
  date: new Date(Date.now() - days_ago * DAY_MS).toISOString().slice(0, 10),
  datetime: null,
  name,
  merchant_name: null,
  pending,
  pending_transaction_id: null,
  transaction_code: null,
  personal_finance_category: { primary: 'GENERAL_MERCHANDISE', detailed: 'GENERAL_MERCHANDISE_OTHER' },
})

function changes({ log }: Item, { cursor, count }: Record<string, unknown>): SandboxReply {
  const from =
    cursor === undefined || cursor === '' ? 0 : Number(Buffer.from(String(cursor), 'base64').toString())
  if (!Number.isInteger(from)) return wrong('INVALID_INPUT', 'INVALID_FIELD', 'cursor not valid')
  const to = Math.min(log.length, from + Math.min(Number(count ?? 100), 500))
  const page = log.slice(from, to)
  const of = (kind: Change['kind']) => page.filter((change) => change.kind === kind).map(({ row }) => row)
  return well({
    added: of('added'),
    modified: of('modified'),
    removed: of('removed'),
    next_cursor: Buffer.from(String(to)).toString('base64'),
    has_more: to < log.length,
  })
}

function create(item: Item, { transactions }: Record<string, unknown>): SandboxReply {
  const [account] = item.accounts
  for (const { amount, description } of (transactions ?? []) as { amount: number; description: string }[])
    item.log.push({ kind: 'added', row: made(account?.account_id ?? '', amount, description, 0) })
  return well({})
}

/** A booked transaction names the pending one that it replaces, which is removed. */
function settle(item: Item): SandboxReply {
  const gone = new Set(item.log.filter(({ kind }) => kind === 'removed').map(({ row }) => row.transaction_id))
  const open = item.log.flatMap(({ kind, row }) =>
    kind === 'added' && 'pending' in row && row.pending && !gone.has(row.transaction_id) ? [row] : [],
  )
  for (const row of open) {
    const { transaction_id, account_id } = row
    const booked = {
      ...row,
      pending: false,
      transaction_id: randomUUID(),
      pending_transaction_id: transaction_id,
    }
    item.log.push({ kind: 'removed', row: { transaction_id, account_id } }, { kind: 'added', row: booked })
  }
  return well({ settled: open.length })
}
