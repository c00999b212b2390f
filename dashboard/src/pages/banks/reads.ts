import { useQueryClient } from '@tanstack/react-query'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { useProviders } from '../../api/names.ts'
import type { paths } from '../../api/schema.ts'

/** What the pages of this place read; every key begins with `banks`, so that news of a bank refreshes all of it. */

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Data } } } }
}
  ? Data
  : never

export type Bank = Answer<'/v1/banks/{id}'>
export type Consent = Answer<'/v1/bank-consents/{id}'>
export type Sync = Answer<'/v1/bank-syncs/{id}'>
export type Account = Answer<'/v1/bank-accounts/{id}'>
export type Transaction = Answer<'/v1/bank-transactions/{id}'>

/** As often as somebody who waits for a bank looks. */
const WAITING_MS = 1_500
/** More than a bank has; what is beyond is found by the API. */
const MOST = '200'

const of = (id: string) => ({ params: { path: { id } } })
const whole = (id: string) => ({ params: { path: { id }, query: { limit: MOST } } })

export const useBank = (id: string) =>
  useRead(['banks', 'one', id], () => ask(api.GET('/v1/banks/{id}', of(id))))

/** Read again soon for as long as the bank or its customer is awaited: nothing tells of that. */
export function useConsents(bank_id: string) {
  const key = ['banks', 'consents', bank_id] as const
  const known = useQueryClient().getQueryData<{ data: Consent[] }>(key)
  const is_awaited = known?.data.some(isAwaited)
  return useRead(key, () => ask(api.GET('/v1/banks/{id}/consents', whole(bank_id))), {
    ...(is_awaited && { every_ms: WAITING_MS }),
  })
}

const isAwaited = ({ state, revocation }: Consent): boolean =>
  state === 'CREATING' || state === 'AWAITING_AUTHORISATION' || revocation === 'pending'

/** The one that says whether the bank may be asked: that which holds, else the newest. */
export const tellingOf = (consents: readonly Consent[] | undefined): Consent | undefined =>
  consents?.find(({ state }) => state === 'AUTHORISED') ?? consents?.[0]

export const useAccounts = (bank_id: string) =>
  useRead(['banks', 'accounts', bank_id], () => ask(api.GET('/v1/banks/{id}/accounts', whole(bank_id))))

/** Of all banks, as far as a list to choose from goes. */
export const useAllAccounts = (enabled: boolean) =>
  useRead(
    ['banks', 'accounts'],
    () => ask(api.GET('/v1/bank-accounts', { params: { query: { limit: MOST } } })),
    { enabled },
  )

export const useBankNames = () =>
  useRead(['banks', 'names'], () => ask(api.GET('/v1/banks', { params: { query: { limit: MOST } } }))).data
    ?.data ?? []

/** A sync, followed until it ends. */
export function useSync(id: string) {
  const key = ['banks', 'sync', id] as const
  const known = useQueryClient().getQueryData<Sync>(key)
  return useRead(key, () => ask(api.GET('/v1/bank-syncs/{id}', of(id))), {
    ...(!known?.ended_at && { every_ms: WAITING_MS }),
  })
}

/** Whether people have to agree before this bank tells anything, and may prolong that. */
export function useManners(provider: string): { asks: boolean; extends: boolean } {
  const operations = useProviders().find(({ id }) => id === provider)?.operations ?? []
  const has = (name: string) => operations.some(({ operation }) => operation === name)
  return { asks: has('banking.consents.create'), extends: has('banking.consents.extend') }
}

/** As people know an account: its name, and the end of its number. */
export const accountName = ({ name, number_masked, vendor_id }: Account): string =>
  [name, number_masked?.replace(/^\*+/, '…')].filter(Boolean).join(' ') || vendor_id
