import { brl, type Entry, type Ledger, saoPauloDay } from './ledger.ts'
import { type Answer, type Asked, FORBIDDEN, list, moment, NOT_FOUND, one, refuse } from './replies.ts'

/** Accounts 2.4.2: the accounts of one customer, their balances, limits and transactions. */
export type Books = { ledger: Ledger; name: string; cnpj: string; compe: string; most: number }

const ACCOUNTS = [
  { id: 'corrente-1', type: 'CONTA_DEPOSITO_A_VISTA', number: '94088392', check: '4' },
  { id: 'pagamento-2', type: 'CONTA_PAGAMENTO_PRE_PAGA', number: '11223344', check: '0' },
] as const
type Account = (typeof ACCOUNTS)[number]

/** One more than is promised: whoever asks at midnight is not refused for the day that begins. */
const LAST_DAYS = 8
const DAY_MS = 86_400_000

export function answerAccounts(books: Books, asked: Asked, permissions: readonly string[]): Answer {
  const [, , , , id, what] = asked.path.split('/') // /accounts/v2/accounts/{id}/{what}
  if (id === undefined) {
    if (!permissions.includes('ACCOUNTS_READ')) return FORBIDDEN
    return list(
      asked,
      ACCOUNTS.map((one) => toAccount(books, one)),
      books.most,
      true,
    )
  }
  const account = ACCOUNTS.find((known) => known.id === id)
  if (!account) return NOT_FOUND
  const needed = NEEDED[what ?? '']
  if (needed === undefined) return NOT_FOUND
  if (!permissions.includes(needed)) return FORBIDDEN
  switch (what) {
    case undefined:
      return one(asked, toIdentification(books, account))
    case 'balances':
      return one(asked, toBalance(books, account))
    case 'overdraft-limits':
      return one(asked, toOverdraft(account))
    default:
      return transactions(books, asked, account, what === 'transactions-current')
  }
}

const NEEDED: Record<string, string> = {
  '': 'ACCOUNTS_READ',
  balances: 'ACCOUNTS_BALANCES_READ',
  'overdraft-limits': 'ACCOUNTS_OVERDRAFT_LIMITS_READ',
  transactions: 'ACCOUNTS_TRANSACTIONS_READ',
  'transactions-current': 'ACCOUNTS_TRANSACTIONS_READ',
}

const toAccount = ({ name, cnpj, compe }: Books, account: Account) => ({
  brandName: name,
  companyCnpj: cnpj,
  type: account.type,
  compeCode: compe,
  branchCode: '6272',
  number: account.number,
  checkDigit: account.check,
  accountId: account.id,
})

const toIdentification = ({ compe }: Books, account: Account) => ({
  compeCode: compe,
  branchCode: '6272',
  number: account.number,
  checkDigit: account.check,
  type: account.type,
  subtype: 'INDIVIDUAL',
  currency: 'BRL',
})

const toBalance = ({ ledger }: Books, { id }: Account) => ({
  availableAmount: brl(ledger.balance(id)),
  blockedAmount: brl(id === 'corrente-1' ? 1000 : 0),
  automaticallyInvestedAmount: brl(0),
  updateDateTime: moment(new Date()),
})

const toOverdraft = ({ id }: Account) => ({
  overdraftContractedLimit: brl(id === 'corrente-1' ? 200_000 : 0),
  overdraftUsedLimit: brl(0),
  unarrangedOverdraftAmount: brl(0),
})

function transactions(books: Books, asked: Asked, { id }: Account, is_current: boolean): Answer {
  const today = books.ledger.today()
  const [from, to] = [asked.query.get('fromBookingDate') ?? today, asked.query.get('toBookingDate') ?? today]
  if (![from, to].every((day) => /^\d{4}-\d{2}-\d{2}$/.test(day)))
    return refuse(422, 'PARAMETRO_INVALIDO', 'fromBookingDate e toBookingDate são datas')
  const oldest = saoPauloDay(new Date(Date.parse(`${today}T12:00:00Z`) - (LAST_DAYS - 1) * DAY_MS))
  if (is_current && from < oldest)
    return refuse(422, 'PARAMETRO_INVALIDO', 'transactions-current alcança os últimos sete dias')
  const wanted = asked.query.get('creditDebitIndicator')
  const found = books.ledger
    .entries(id)
    .filter(({ day, creditDebitType }) => day >= from && day <= to && (!wanted || wanted === creditDebitType))
  return list(asked, found.map(toTransaction), books.most, false)
}

/** Some amounts are written with four decimals, as the specification lets them be. */
const toTransaction = ({ cents, day: _, ...entry }: Entry) => ({
  ...entry,
  transactionAmount: brl(cents, cents % 2 === 0 ? 2 : 4),
})

export const resourcesOf = () =>
  ACCOUNTS.map(({ id }) => ({ resourceId: id, type: 'ACCOUNT', status: 'AVAILABLE' }))
