import { toWire } from '../../platform/ids.ts'
import type { Draft } from '../events/events.ts'
import type { BankRow } from './queries.ts'

/** How what a bank told becomes true, and is told of, in one transaction. */

type About = {
  user_id: string
  bank_code: string
  bank_id: string
  account_id: string
  sync_id: string
}

type Read = { sync_id: string; bank: Pick<BankRow, 'id' | 'user_id' | 'bank_code'> }

export const aboutOf = ({ sync_id, bank }: Read, account_id: string): About => ({
  ...{ user_id: bank.user_id, bank_code: bank.bank_code, bank_id: bank.id },
  ...{ account_id, sync_id },
})

/** No more ids than this in one event; the rest is in the list of transactions. */
const MOST_NAMED = 1_000

/** What one reading of an account came to, one event for each kind of change there was. */
export function transactionEvents(
  about: About,
  changes: Record<'imported' | 'updated' | 'removed', string[]>,
) {
  const account_id = toWire('bank_account', about.account_id)
  return Object.entries(changes).flatMap(([what, ids]): Draft[] =>
    ids.length === 0
      ? []
      : [
          {
            type: `transactions.${what}`,
            entity_id: account_id,
            data: JSON.stringify({
              user_id: about.user_id,
              bank_code: about.bank_code,
              bank_id: toWire('bank', about.bank_id),
              account_id,
              sync_id: toWire('bank_sync', about.sync_id),
              count: ids.length,
              transaction_ids: ids.slice(0, MOST_NAMED).map((id) => toWire('bank_transaction', id)),
            }),
          },
        ],
  )
}

/** Told each time it changes, and so also when it is explained: a thing to look at, and no error. */
export function driftEvents(
  about: About,
  { drift, was, current, currency }: { drift: string; was: string; current: string; currency: string },
): Draft[] {
  if (drift === was) return []
  const account_id = toWire('bank_account', about.account_id)
  const money = (amount: string) => ({ amount, currency })
  const data = JSON.stringify({
    user_id: about.user_id,
    bank_code: about.bank_code,
    bank_id: toWire('bank', about.bank_id),
    account_id,
    sync_id: toWire('bank_sync', about.sync_id),
    ...{ drift: money(drift), was: money(was), current: money(current) },
  })
  return [{ type: 'bank.drifted', entity_id: account_id, data }]
}
