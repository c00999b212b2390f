import { type Money, moneyFromDecimal } from '../platform/money.ts'
import type { VendorAccount } from './banking.ts'
import { certificateWhere } from './certificate.ts'
import type { Field, Settings } from './fields.ts'
import type { Provider } from './provider.ts'

/**
 * What Brazilian banks have alike where a company reads its own accounts over the bank's own API: a client with a
 * certificate, accounts that the settings name, for the API lists none, and statements in amounts without a sign,
 * days without a time and words without a code.
 */

/** `own` are the bank's fields; `hint` says when it asks for a certificate. */
export function bankAccess(own: Field[], words: { hint: string; certificate_hint?: string }) {
  const { fields, identity } = certificateWhere({
    ...words,
    authority_label: "Authority of the bank's certificate",
    key: 'private_key',
    passphrase: 'private_key_passphrase',
  })
  return {
    category: 'banking',
    fields: [
      ...own,
      { key: 'client_id', label: 'Client id', secret: true, required: true },
      { key: 'client_secret', label: 'Client secret', secret: true, required: true },
      ...fields,
      { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
    ],
    identity,
  } satisfies Partial<Provider>
}

export const accountsField = (of: { hint: string; pattern: string; example: string }): Field => ({
  ...{ key: 'accounts', label: 'Accounts', required: true, max_length: 500 },
  ...of,
})

type NamedAccount = { vendor_id: string; branch: string; number: string; kind?: VendorAccount['kind'] }

/** The accounts of the settings, separated by commas; `name` reads one of them. */
export const accountsNamed =
  (bank_code: string, name: (text: string) => NamedAccount) =>
  ({ accounts }: Settings): VendorAccount[] =>
    String(accounts ?? '')
      .split(',')
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map(name)
      .map(({ number, kind = 'checking', ...named }) => ({
        ...{ ...named, kind, name: null, bank_code, currency: 'BRL' },
        number_masked: `${'*'.repeat(Math.max(0, number.length - 4))}${number.slice(-4)}`,
      }))

/** Midnight in São Paulo, of a day as `2026-03-01`. */
export const startOf = (day: string): string => `${day}T03:00:00.000Z`

/** From an amount without a sign. */
export const signedMoney = (amount: string, is_debit: boolean, currency = 'BRL'): Money =>
  moneyFromDecimal(is_debit && Number(amount) !== 0 ? `-${amount}` : amount, currency)

const KINDS: [RegExp, string][] = [
  [/\bpix\b/i, 'pix'],
  [/\bted\b/i, 'ted'],
  [/boleto|t[íi]tulo|cobran[çc]a/i, 'boleto'],
  [/\btar(ifa|\.|\b)/i, 'fee'],
  [/cart[ãa]o|compra/i, 'card'],
  [/sal[áa]rio|folha|proventos/i, 'payroll'],
  [/\biof\b|imposto|tributo/i, 'tax'],
  [/transf/i, 'transfer'],
]

/** What an entry is, by what the bank writes beside it. */
export const kindOf = (text: string): string => KINDS.find(([form]) => form.test(text))?.[1] ?? 'other'
