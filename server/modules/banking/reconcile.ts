import type { TransactionChanges, VendorTransaction } from '../../kit/banking.ts'
import { addDays, dayOf } from './days.ts'

/**
 * What has to be done so that our transactions of an account are those the bank tells of. Pure. A row is known by the
 * bank's id. Some banks give a row another id until the day after it happened (Open Finance: all but TED, Pix, TEF,
 * single fees and payrolls), so that one which vanished and a new one that is equal in direction, amount, day and
 * kind are the same, one to one in their order. Two rows of one answer are never one.
 */

/** A row as it is kept, without our own id and category. */
export type Content = {
  vendor_id: string
  ordinal: number
  status: VendorTransaction['status']
  amount: string
  currency: string
  exact: string | null
  kind: string
  description: string
  /** RFC 3339, UTC, with milliseconds. */
  at: string
  day: string
  is_final: boolean
  vendor_category: string | null
  /** JSON, its members in one order. */
  counterparty: string | null
}

export type Known = Content & { id: string; removed: boolean }

export type Told = {
  /** As the bank gave them, page after page. */
  items: readonly VendorTransaction[]
  /** Two of one id are two rows: see `Statement.ids`. Else the later one is how it is. */
  composed: boolean
  /** Of what is known, what the answer would have held; whatever of it is not there has vanished. */
  covers: (row: Known) => boolean
  /** The day on which the account was last read; null before. */
  read_on: string | null
}

export type Difference = {
  added: Content[]
  changed: { id: string; content: Content }[]
  removed: string[]
  /** How many are as they were. */
  same: number
}

export function reconcile(known: readonly Known[], told: Told): Difference {
  const by_key = new Map(known.map((row) => [keyOf(row), row]))
  const fresh: Content[] = []
  const difference: Difference = { added: fresh, changed: [], removed: [], same: 0 }
  for (const content of contentsOf(told)) {
    const row = by_key.get(keyOf(content))
    if (!row) fresh.push(content)
    else if (!row.removed && isSame(row, content)) difference.same++
    else difference.changed.push({ id: row.id, content })
    by_key.delete(keyOf(content))
  }
  const vanished = [...by_key.values()].filter((row) => !row.removed && told.covers(row))
  return renamed(difference, vanished, told.read_on)
}

/** What pages of changes come to for an account: of one id the later page counts, and within a page that it is no more. */
export function lastWord(
  pages: readonly TransactionChanges[],
  account_id: string,
): { items: VendorTransaction[]; gone: string[] } {
  const last = new Map<string, VendorTransaction | null>()
  for (const { added, modified, removed } of pages) {
    for (const item of [...added, ...modified])
      if (item.account_id === account_id) last.set(item.vendor_id, item)
    for (const one of removed)
      if (one.account_id === null || one.account_id === account_id) last.set(one.vendor_id, null)
  }
  const items = [...last.values()].filter((item) => item !== null)
  return { items, gone: [...last.keys()].filter((id) => last.get(id) === null) }
}

const keyOf = ({ vendor_id, ordinal }: Content): string => `${ordinal} ${vendor_id}`

/** The rows of an answer, each once. */
function contentsOf({ items, composed }: Told): Iterable<Content> {
  const seen = new Map<string, number>()
  const rows = new Map<string, Content>()
  for (const item of items) {
    const ordinal = composed ? (seen.get(item.vendor_id) ?? 0) : 0
    seen.set(item.vendor_id, ordinal + 1)
    const content = toContent(item, ordinal)
    rows.set(keyOf(content), content)
  }
  return rows.values()
}

export function toContent(item: VendorTransaction, ordinal = 0): Content {
  const at = new Date(item.at)
  return {
    vendor_id: storable(item.vendor_id),
    ordinal,
    status: item.status,
    amount: item.money.amount,
    currency: item.money.currency,
    exact: item.exact ?? null,
    kind: item.kind,
    description: storable(item.description).slice(0, MOST_LETTERS),
    at: at.toISOString(),
    day: dayOf(at),
    is_final: item.is_final,
    vendor_category: item.category ?? null,
    counterparty: item.counterparty ? partyOf(item.counterparty) : null,
  }
}

function partyOf({
  name,
  document,
  bank_code,
  branch,
  number,
}: NonNullable<VendorTransaction['counterparty']>): string | null {
  const text = storable(JSON.stringify({ name, document, bank_code, branch, number }))
  return text === '{}' ? null : text
}

const MOST_LETTERS = 2_000

/** What JSON can spell and PostgreSQL does not store. */
const storable = (text: string): string =>
  text.replaceAll('\u0000', '').replaceAll('\\u0000', '').toWellFormed()

const COMPARED = [
  'status',
  'amount',
  'currency',
  'exact',
  'kind',
  'description',
  'at',
  'is_final',
  'vendor_category',
  'counterparty',
] as const

const isSame = (a: Content, b: Content): boolean => COMPARED.every((field) => a[field] === b[field])

/** Finds among the new ones those that vanished under another id; the others that vanished are removed. */
function renamed(difference: Difference, vanished: Known[], read_on: string | null): Difference {
  if (vanished.length === 0) return difference
  const lines = Map.groupBy(vanished.filter((row) => mayBeRenamed(row, read_on)).sort(inOrder), likeness)
  const added: Content[] = []
  const found = new Set<string>()
  for (const content of difference.added) {
    const row = lines.get(likeness(content))?.shift()
    if (!row) {
      added.push(content)
      continue
    }
    found.add(row.id)
    difference.changed.push({ id: row.id, content })
  }
  const removed = vanished.flatMap(({ id }) => (found.has(id) ? [] : [id]))
  return { ...difference, added, removed }
}

/** What is not booked may still change; what is booked, until the day after, which may be when it was last seen. */
const mayBeRenamed = ({ status, is_final, day }: Known, read_on: string | null): boolean =>
  status !== 'booked' || (!is_final && (read_on === null || read_on <= addDays(day, 1)))

const inOrder = (a: Known, b: Known): number =>
  a.ordinal - b.ordinal || (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1)

const likeness = ({ amount, exact, currency, day, kind }: Content): string =>
  JSON.stringify([exact ?? amount, amount, currency, day, kind]) // the sign is the direction
