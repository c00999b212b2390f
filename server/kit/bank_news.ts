/**
 * What a provider tells of a log-in. `updates`: there is something to read. `failed`: nothing may be read until its person
 * does something. `ending`: nothing may be read from `at` on. `ended`: nor ever again.
 */
export type BankNews = { login_id: string } & (
  | { what: 'updates' }
  /** `code` stays; `reason` says it in words. */
  | { what: 'failed' | 'ended'; code: string; reason: string }
  | { what: 'ending'; code: string; reason: string; at: string | null }
)

export type NewsOfBank = {
  type: 'bank.changed'
  bank: BankNews
  payment?: never
  refund?: never
  data?: never
}
