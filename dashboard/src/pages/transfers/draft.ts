import type { BodyOf } from '../../api/types.ts'
import { type Money, toMinor } from '../../parts/money.ts'
import type { Method } from './reads.ts'

/** A transfer as it is typed; its fields bear the names of the API's, so that a refusal finds its field. */

type Sent = BodyOf<'/v1/transfers'>
type Account = NonNullable<Sent['destination']['account']>
export type Kind = NonNullable<Account['kind']>

export type Draft = {
  connection_id: string
  money: { amount: number | string }
  method: Method
  /** A Pix goes to a key or to an account; all else to an account. */
  is_to_key: boolean
  destination: {
    pix_key: string
    account: { bank_code: string; branch: string; number: string; check_digit: string; kind: Kind }
    name: string
    document: string
  }
  scheduled_for: string
  description: string
}

export const emptyDraft = (connection_id: string): Draft => ({
  connection_id,
  money: { amount: '' },
  method: 'pix',
  is_to_key: true,
  destination: {
    pix_key: '',
    account: { bank_code: '', branch: '', number: '', check_digit: '', kind: 'checking' },
    name: '',
    document: '',
  },
  scheduled_for: '',
  description: '',
})

export const goesToKey = ({ method, is_to_key }: Pick<Draft, 'method' | 'is_to_key'>): boolean =>
  method === 'pix' && is_to_key

export const moneyOf = ({ money: { amount } }: Draft): Money & { currency: 'BRL' } => ({
  amount: toMinor(Number(amount), 'BRL'),
  currency: 'BRL',
})

export function bodyOf(draft: Draft): Sent {
  const { connection_id, method, scheduled_for } = draft
  const description = draft.description.trim()
  return {
    ...{ connection_id, money: moneyOf(draft), method, destination: destinationOf(draft) },
    ...(scheduled_for !== '' && { scheduled_for }),
    ...(description !== '' && { description }),
  }
}

function destinationOf(draft: Draft): Sent['destination'] {
  const { pix_key, account, name, document } = draft.destination
  return {
    ...(goesToKey(draft) ? { pix_key: pix_key.trim() } : { account: accountOf(account, draft.method) }),
    ...(name.trim() !== '' && { name: name.trim() }),
    ...(document.trim() !== '' && { document: bare(document) }),
  }
}

function accountOf(
  { bank_code, branch, number, check_digit, kind }: Draft['destination']['account'],
  method: Method,
) {
  const bank = bare(bank_code)
  return {
    ...(method !== 'internal' && bank !== '' && { bank_code: bank }),
    ...{ branch: bare(branch), number: bare(number), check_digit: bare(check_digit), kind },
  }
}

/** People write documents and accounts with dots, dashes and slashes. */
const bare = (text: string): string => text.replace(/[\s./-]/g, '').toUpperCase()

/** Where it goes, as who sends it typed it. */
export function receiverOf(draft: Draft): string {
  const { pix_key, account, name } = draft.destination
  const { bank_code, branch, number, check_digit } = account
  const where = goesToKey(draft)
    ? pix_key.trim()
    : [draft.method !== 'internal' && bank_code, branch, `${number}-${check_digit}`]
        .filter(Boolean)
        .join(' / ')
  return [name.trim(), where].filter(Boolean).join(', ')
}
