import type { BodyOf } from '../../api/types.ts'
import { type Money, toMinor } from '../../parts/money.ts'

/** A payment as it is typed; its fields bear the names of the API's, so that a refusal finds its field. */

type Sent = BodyOf<'/v1/payments'>
export type Method = NonNullable<Sent['method']>
export type Capture = NonNullable<Sent['capture']>

export const METHODS = ['card', 'pix', 'boleto'] as const satisfies readonly Method[]

export type Draft = {
  /** Empty: the payment routes choose it. */
  connection_id: string
  money: { amount: number | string; currency: string }
  method: Method
  source: string
  capture: Capture
  installments: number | string
  return_url: string
  pix_key: string
  expires_in_min: number | string
  due_date: string
  payer: { name: string; document: string }
  instructions: string
  customer: string
  description: string
}

export const emptyDraft = (connection_id: string): Draft => ({
  connection_id,
  money: { amount: '', currency: 'BRL' },
  method: 'card',
  source: '',
  capture: 'automatic',
  installments: '',
  return_url: '',
  pix_key: '',
  expires_in_min: '',
  due_date: '',
  payer: { name: '', document: '' },
  instructions: '',
  customer: '',
  description: '',
})

export const moneyOf = ({ money: { amount, currency } }: Draft): Money => ({
  amount: toMinor(Number(amount), currency),
  currency,
})

/** What the API is asked: of the fields those of its method alone, and none that is empty. */
export function bodyOf(draft: Draft): Sent {
  const { connection_id, method, customer, description } = draft
  return {
    money: moneyOf(draft),
    method,
    ...some({ connection_id, customer, description }),
    ...(method === 'card' ? ofCard(draft) : ofBill(draft)),
  }
}

function ofCard({ source, capture, installments, return_url }: Draft): Partial<Sent> {
  return {
    ...some({ source, return_url }),
    ...(capture !== 'automatic' && { capture }),
    ...(installments !== '' && { installments: Number(installments) }),
  }
}

/** A Pix and a boleto are told to a payer, who pays them later. */
function ofBill({ method, pix_key, expires_in_min, due_date, payer, instructions }: Draft): Partial<Sent> {
  const lines = instructions
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  const document = payer.document.replace(/[\s./-]/g, '').toUpperCase()
  return {
    ...some({ due_date, ...(method === 'pix' && { pix_key }) }),
    ...(method === 'pix' && expires_in_min !== '' && { expires_in_s: Number(expires_in_min) * 60 }),
    ...(payer.name.trim() !== '' && { payer: { name: payer.name.trim(), document } }),
    ...(lines.length > 0 && { instructions: lines }),
  }
}

const some = (texts: Record<string, string>): Partial<Sent> =>
  Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])),
  )
