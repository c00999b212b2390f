import type {
  FindAccount,
  ListAccounts,
  ListTransactions,
  Page,
  VendorAccount,
  VendorBalance,
  VendorTransaction,
} from '../../kit/banking.ts'
import { get, path } from '../../kit/provider.ts'
import { words } from '../../kit/reads.ts'
import { addMoney, type Money, money } from '../../platform/money.ts'
import { exactly, negated } from './amounts.ts'
import { toTime } from './consents.ts'
import type {
  Account,
  Balance,
  Card,
  Entry,
  Limit,
  Listed,
  Purchase,
  Standing,
  Transactions,
} from './wire.ts'

const MOST_A_PAGE = 1000

/** The families of data, in the order in which they are asked. */
const FAMILIES = {
  accounts: { path: '/accounts/v2/accounts', type: 'ACCOUNT' },
  cards: { path: '/credit-cards-accounts/v2/accounts', type: 'CREDIT_CARD_ACCOUNT' },
} as const
type Family = keyof typeof FAMILIES

/**
 * Where a listing has come to: which families are still to be asked, and the bank's own words for the page of the first
 * of them. It begins with the resources, which say what there is: a family without any is not asked for.
 */
type Place = { families: ('resources' | Family)[]; found: Family[]; query: string }

function placeOf(after: string | undefined): Place {
  const [families = 'resources', found = '', query = ''] = (after ?? 'resources||').split('|')
  return {
    families: families.split(',') as Place['families'],
    found: found.split(',').filter((one): one is Family => Object.hasOwn(FAMILIES, one)),
    query,
  }
}

const written = ({ families, found, query }: Place): string =>
  [families.join(','), found.join(','), query].join('|')

export function listRequest({ after }: ListAccounts) {
  const { families, query } = placeOf(after)
  const [family] = families
  const place =
    family === 'accounts' || family === 'cards' ? FAMILIES[family].path : '/resources/v3/resources'
  return get(place, queryOf(query))
}

const queryOf = (query: string) =>
  query === '' ? { 'page-size': MOST_A_PAGE } : Object.fromEntries(new URLSearchParams(query))

/** The bank's own query of the page that follows; its host and path are not followed. */
function nextQuery(links: { next?: string | null } | null | undefined): string | null {
  const next = links?.next ? URL.parse(links.next, 'https://bank.invalid') : null
  return next && next.search.length > 1 ? next.search.slice(1) : null
}

export function toAccounts({ data, links }: Listed, { after }: ListAccounts): Page<VendorAccount> {
  const place = placeOf(after)
  const [family = 'resources', ...rest] = place.families
  const found = [...new Set([...place.found, ...familiesIn(data)])]
  const query = nextQuery(links)
  if (query !== null)
    return { items: toItems(data), next: written({ families: place.families, found, query }) }
  const families = family === 'resources' ? orderly(found) : rest
  return {
    items: toItems(data),
    next: families.length === 0 ? null : written({ families, found: [], query: '' }),
  }
}

const orderly = (found: Family[]): Family[] =>
  (['accounts', 'cards'] as const).filter((one) => found.includes(one))

/** One that waits for another approval, or that the bank has taken out of reach, is not there to be read. */
const familiesIn = (data: Listed['data']): Family[] =>
  orderly(
    (['accounts', 'cards'] as const).filter((family) =>
      data.some(
        (one) =>
          'status' in one &&
          one.type === FAMILIES[family].type &&
          /^(AVAILABLE|TEMPORARILY_)/.test(one.status),
      ),
    ),
  )

const toItems = (data: Listed['data']): VendorAccount[] =>
  data.flatMap((one) =>
    'accountId' in one ? [toAccount(one)] : 'creditCardAccountId' in one ? [toCard(one)] : [],
  )

const KINDS = words<VendorAccount['kind']>({
  CONTA_DEPOSITO_A_VISTA: 'checking',
  CONTA_POUPANCA: 'savings',
  CONTA_PAGAMENTO_PRE_PAGA: 'payment',
})

const toAccount = ({
  accountId,
  type,
  brandName,
  branchCode,
  number,
  checkDigit,
}: Account): VendorAccount => ({
  vendor_id: accountId,
  kind: KINDS[type] ?? 'other',
  name: brandName ?? null,
  bank_code: null, // the bank of the connection
  branch: branchCode ?? null,
  number_masked: masked(number + (checkDigit ?? '')),
  currency: 'BRL',
})

const masked = (number: string): string => `${'*'.repeat(Math.max(0, number.length - 4))}${number.slice(-4)}`

/** A card's id is told from an account's by a point, which neither has. */
const CARD = 'card.'

const toCard = ({ creditCardAccountId, name }: Card): VendorAccount => ({
  vendor_id: CARD + creditCardAccountId,
  kind: 'credit_card',
  name: name ?? null,
  bank_code: null,
  branch: null,
  number_masked: null,
  currency: 'BRL',
})

function pathTo(vendor_id: string): { base: string; is_card: boolean } {
  const is_card = vendor_id.startsWith(CARD)
  const id = is_card ? vendor_id.slice(CARD.length) : vendor_id
  return { base: FAMILIES[is_card ? 'cards' : 'accounts'].path + path`/${id}`, is_card }
}

export function balanceRequest({ account_id }: FindAccount) {
  const { base, is_card } = pathTo(account_id)
  return get(`${base}/${is_card ? 'limits' : 'balances'}`)
}

export const toBalance = ({ data }: Standing): VendorBalance =>
  Array.isArray(data) ? ofCard(data) : ofAccount(data)

/** What is blocked belongs to the customer, and so does what the bank invests by itself from one day to the next. */
function ofAccount({ availableAmount, blockedAmount, automaticallyInvestedAmount, updateDateTime }: Balance) {
  const available = exactly(availableAmount).money
  const blocked = blockedAmount ? exactly(blockedAmount).money : null
  const invested = automaticallyInvestedAmount ? exactly(automaticallyInvestedAmount).money : null
  const current = [blocked, invested].reduce<Money>(
    (sum, part) => (part ? addMoney(sum, part) : sum),
    available,
  )
  return {
    available,
    current,
    ...(blocked && { blocked }),
    at: updateDateTime ? toTime(updateDateTime) : null,
  }
}

/** Of several lines the whole one; what was used is owed. */
function ofCard(lines: readonly Limit[]): VendorBalance {
  const line = lines.find(({ creditLineLimitType: type }) => type === 'LIMITE_CREDITO_TOTAL') ?? lines[0]
  if (!line) return { available: money(0, 'BRL'), current: money(0, 'BRL'), at: null }
  const { amount, currency } = line.availableAmount ?? {}
  return {
    available: amount && currency ? exactly({ amount, currency }).money : money(0, line.usedAmount.currency),
    current: negated(exactly(line.usedAmount).money),
    at: null,
  }
}

/**
 * The last seven days have an address of their own, which banks let be asked far more often than the other: at least 240
 * times a month for each account, and the whole year 4 times.
 */
export function transactionsRequest({ account_id, from, to, after, recent }: ListTransactions) {
  const { base, is_card } = pathTo(account_id)
  const place = `${base}/${recent ? 'transactions-current' : 'transactions'}`
  if (after) return get(place, queryOf(after))
  const days = is_card
    ? { fromTransactionDate: from, toTransactionDate: to }
    : { fromBookingDate: from, toBookingDate: to }
  return get(place, { ...days, page: 1, 'page-size': MOST_A_PAGE })
}

/** There are no totals and no last page: what follows is known by the link to it. */
export const toTransactions = ({ data, links }: Transactions): Page<VendorTransaction> => ({
  items: data.map((one) => ('transactionAmount' in one ? toTransaction(one) : toPurchase(one))),
  next: nextQuery(links),
})

const STATUS = words<VendorTransaction['status']>({
  TRANSACAO_EFETIVADA: 'booked',
  TRANSACAO_PROCESSANDO: 'pending',
  LANCAMENTO_FUTURO: 'future',
})

/** `is_final`: the specification makes these immutable on their first day, and the others on the day after. */
const ENTRY_KINDS = words<{ kind: string; is_final?: true }>({
  TED: { kind: 'ted', is_final: true },
  DOC: { kind: 'doc' },
  PIX: { kind: 'pix', is_final: true },
  TRANSFERENCIA_MESMA_INSTITUICAO: { kind: 'internal', is_final: true },
  BOLETO: { kind: 'boleto' },
  CONVENIO_ARRECADACAO: { kind: 'bill' },
  PACOTE_TARIFA_SERVICOS: { kind: 'fee' },
  TARIFA_SERVICOS_AVULSOS: { kind: 'fee', is_final: true },
  FOLHA_PAGAMENTO: { kind: 'salary', is_final: true },
  DEPOSITO: { kind: 'deposit' },
  SAQUE: { kind: 'withdrawal' },
  CARTAO: { kind: 'card' },
  ENCARGOS_JUROS_CHEQUE_ESPECIAL: { kind: 'interest' },
  RENDIMENTO_APLIC_FINANCEIRA: { kind: 'yield' },
  PORTABILIDADE_SALARIO: { kind: 'salary' },
  RESGATE_APLIC_FINANCEIRA: { kind: 'redemption' },
  OPERACAO_CREDITO: { kind: 'loan' },
})

function toTransaction(entry: Entry): VendorTransaction {
  const { kind = 'other', is_final = false } = ENTRY_KINDS[entry.type] ?? {}
  const { partieCnpjCpf: document, partieBranchCode: branch, partieNumber, partieCheckDigit } = entry
  const number = partieNumber ? partieNumber + (partieCheckDigit ?? '') : null
  const party = { ...(document && { document }), ...(branch && { branch }), ...(number && { number }) }
  return {
    vendor_id: entry.transactionId,
    status: STATUS[entry.completedAuthorisedPaymentType] ?? 'pending',
    ...signed(exactly(entry.transactionAmount), entry.creditDebitType),
    kind,
    description: entry.transactionName,
    at: toTime(entry.transactionDateTime),
    is_final,
    ...(Object.keys(party).length > 0 && { counterparty: party }),
  }
}

/** What it came to here, whatever the currency it was made in; a purchase of a card is money that left. */
const toPurchase = (purchase: Purchase): VendorTransaction => ({
  vendor_id: purchase.transactionId,
  status: 'booked',
  ...signed(exactly(purchase.brazilianAmount), purchase.creditDebitType),
  kind: purchase.transactionType === 'TARIFA' ? 'fee' : 'card',
  description: purchase.transactionName,
  at: toTime(purchase.transactionDateTime),
  is_final: false,
})

function signed({ money: plain, exact }: ReturnType<typeof exactly>, direction: string) {
  const is_debit = direction === 'DEBITO'
  return {
    money: is_debit ? negated(plain) : plain,
    ...(exact !== undefined && { exact: is_debit ? `-${exact}` : exact }),
  }
}
