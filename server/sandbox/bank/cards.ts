import { createHash } from 'node:crypto'
import type { Books } from './accounts.ts'
import { brl } from './ledger.ts'
import { type Answer, type Asked, FORBIDDEN, list, NOT_FOUND, one } from './replies.ts'

/** Credit cards 2.3.1: one card account, its bills month by month, limits and transactions. */
const CARD = 'cartao-1'
const LAST_FOUR = '4453'
const LIMIT = 1_000_000

export function answerCards(books: Books, asked: Asked, permissions: readonly string[]): Answer {
  const [, , , , id, what, bill, more] = asked.path.split('/') // /credit-cards-accounts/v2/accounts/{id}/…
  const needed = neededFor(what, more)
  if (needed === undefined) return NOT_FOUND
  if (!permissions.includes(needed)) return FORBIDDEN
  if (id === undefined) return list(asked, [toCard(books)], books.most, true)
  if (id !== CARD) return NOT_FOUND
  if (what === undefined) return one(asked, toIdentification(books))
  if (what === 'limits') return one(asked, [toLimit(books)])
  if (what !== 'bills') return transactions(books, asked)
  if (bill === undefined) return list(asked, billsOf(books).map(toBill), books.most, true)
  return list(asked, shown(purchasesOf(books).filter(({ billId }) => billId === bill)), books.most, true)
}

function neededFor(what: string | undefined, more: string | undefined): string | undefined {
  if (what === undefined) return 'CREDIT_CARDS_ACCOUNTS_READ'
  if (what === 'limits') return 'CREDIT_CARDS_ACCOUNTS_LIMITS_READ'
  if (what === 'bills')
    return more === undefined
      ? 'CREDIT_CARDS_ACCOUNTS_BILLS_READ'
      : 'CREDIT_CARDS_ACCOUNTS_BILLS_TRANSACTIONS_READ'
  return /^transactions(-current)?$/.test(what) ? 'CREDIT_CARDS_ACCOUNTS_TRANSACTIONS_READ' : undefined
}

const toCard = ({ name, cnpj }: Books) => ({
  creditCardAccountId: CARD,
  brandName: name,
  companyCnpj: cnpj,
  name: `Cartão ${name}`.slice(0, 50),
  productType: 'GOLD',
  creditCardNetwork: 'MASTERCARD',
})

const toIdentification = ({ name }: Books) => ({
  name: `Cartão ${name}`.slice(0, 50),
  productType: 'GOLD',
  creditCardNetwork: 'MASTERCARD',
  paymentMethod: [{ identificationNumber: LAST_FOUR, isMultipleCreditCard: false }],
})

const usedOf = (books: Books): number =>
  purchasesOf(books)
    .filter(({ billPostDate }) => billPostDate.slice(0, 7) === books.ledger.today().slice(0, 7))
    .reduce((sum, { cents }) => sum + cents, 0)

const toLimit = (books: Books) => ({
  creditLineLimitType: 'LIMITE_CREDITO_TOTAL',
  consolidationType: 'CONSOLIDADO',
  identificationNumber: LAST_FOUR,
  isLimitFlexible: false,
  limitAmount: brl(LIMIT),
  usedAmount: brl(usedOf(books)),
  availableAmount: brl(LIMIT - usedOf(books)),
})

function transactions(books: Books, asked: Asked): Answer {
  const today = books.ledger.today()
  const from = asked.query.get('fromTransactionDate') ?? today
  const to = asked.query.get('toTransactionDate') ?? today
  const found = purchasesOf(books).filter(({ billPostDate: day }) => day >= from && day <= to)
  return list(asked, shown(found), books.most, false)
}

const DAY_MS = 86_400_000

/** One every third day for a year; some abroad, so that the amount and what it cost here differ. */
function purchasesOf({ ledger, cnpj }: Books) {
  const today_ms = Date.parse(`${ledger.today()}T00:00:00Z`)
  return Array.from({ length: 120 }, (_, place) => {
    const day = new Date(today_ms - place * 3 * DAY_MS).toISOString().slice(0, 10)
    const dice = createHash('sha256').update(`${cnpj} card ${day}`).digest()
    const cents = 500 + dice.readUInt16BE(0)
    return {
      transactionId: dice.toString('hex').slice(0, 32),
      identificationNumber: LAST_FOUR,
      transactionName: 'SUPERMERCADO AVENIDA',
      billId: billId(day.slice(0, 7)),
      creditDebitType: 'DEBITO',
      transactionType: 'PAGAMENTO',
      paymentType: 'A_VISTA',
      brazilianAmount: brl(cents),
      amount: brl(cents),
      transactionDateTime: `${day}T15:10:00.000Z`,
      billPostDate: day,
      payeeMCC: 5411,
      cents,
    }
  })
}

const billId = (month: string): string => `fatura-${month}`

function billsOf(books: Books): { month: string; cents: number }[] {
  const totals = new Map<string, number>()
  for (const { billPostDate, cents } of purchasesOf(books)) {
    const month = billPostDate.slice(0, 7)
    totals.set(month, (totals.get(month) ?? 0) + cents)
  }
  return [...totals].map(([month, cents]) => ({ month, cents }))
}

const toBill = ({ month, cents }: { month: string; cents: number }) => ({
  billId: billId(month),
  dueDate: `${month}-28`,
  billTotalAmount: brl(cents),
  billMinimumAmount: brl(Math.floor(cents / 10)),
  isInstalment: false,
  payments: [],
})

export const cardResources = () => [{ resourceId: CARD, type: 'CREDIT_CARD_ACCOUNT', status: 'AVAILABLE' }]

const shown = (purchases: ReturnType<typeof purchasesOf>) => purchases.map(({ cents: _, ...rest }) => rest)
