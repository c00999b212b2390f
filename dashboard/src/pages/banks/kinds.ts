import { texts } from '../../text/text.ts'

const useText = texts('bank_transaction_kinds', {
  en: {
    pix: 'Pix',
    ted: 'TED',
    doc: 'DOC',
    internal: 'Same bank',
    transfer: 'Transfer',
    boleto: 'Boleto',
    bill: 'Bill',
    card: 'Card',
    fee: 'Fee',
    tax: 'Tax',
    salary: 'Salary',
    payroll: 'Payroll',
    deposit: 'Deposit',
    withdrawal: 'Withdrawal',
    interest: 'Interest',
    yield: 'Yield',
    redemption: 'Redemption',
    loan: 'Loan',
    other: 'Other',
  },
  'pt-BR': {
    pix: 'Pix',
    ted: 'TED',
    doc: 'DOC',
    internal: 'Mesmo banco',
    transfer: 'Transferência',
    boleto: 'Boleto',
    bill: 'Conta ou tributo',
    card: 'Cartão',
    fee: 'Tarifa',
    tax: 'Imposto',
    salary: 'Salário',
    payroll: 'Folha',
    deposit: 'Depósito',
    withdrawal: 'Saque',
    interest: 'Juros',
    yield: 'Rendimento',
    redemption: 'Resgate',
    loan: 'Empréstimo',
    other: 'Outro',
  },
})

export const KINDS = [
  'pix',
  'ted',
  'doc',
  'internal',
  'transfer',
  'boleto',
  'bill',
  'card',
  'fee',
  'tax',
  'salary',
  'payroll',
  'deposit',
  'withdrawal',
  'interest',
  'yield',
  'redemption',
  'loan',
  'other',
] as const

/** What a transaction is, in words; a bank's own word is shown as it is. */
export function useKindName(): (kind: string) => string {
  const say = useText()
  return (kind) => {
    const known = KINDS.find((one) => one === kind)
    return known ? say(known) : kind
  }
}
