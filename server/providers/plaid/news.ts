import type { BankNews, NewsOfBank } from '../../kit/bank_news.ts'
import type { PlaidEvent } from './wire.ts'

/** What is new of an item: plaid.com/docs/api/items/#webhooks and plaid.com/docs/api/products/transactions/#webhooks. */

/** All of them come beside each other, and the first is what one who syncs by a cursor has to hear. */
const READABLE = new Set([
  'TRANSACTIONS.SYNC_UPDATES_AVAILABLE',
  'TRANSACTIONS.INITIAL_UPDATE',
  'TRANSACTIONS.HISTORICAL_UPDATE',
  'TRANSACTIONS.DEFAULT_UPDATE',
  'TRANSACTIONS.TRANSACTIONS_REMOVED',
  'ITEM.LOGIN_REPAIRED',
  'ITEM.USER_ACCOUNT_REVOKED',
])

/** Nothing where it says nothing of whether, and what, an item may be read. */
export function toNews(event: PlaidEvent): NewsOfBank[] {
  const { item_id } = event
  const news = item_id ? newsOf(event, item_id) : null
  return news ? [{ type: 'bank.changed', bank: news }] : []
}

function newsOf(event: PlaidEvent, login_id: string): BankNews | null {
  const { webhook_type, webhook_code, error, consent_expiration_time: at } = event
  const word = `${webhook_type}.${webhook_code}`
  if (READABLE.has(word)) return { login_id, what: 'updates' }
  if (word === 'ITEM.ERROR') return { login_id, what: 'failed', ...failureOf(error?.error_code ?? null) }
  if (word === 'ITEM.PENDING_EXPIRATION' || word === 'ITEM.PENDING_DISCONNECT')
    return { login_id, what: 'ending', ...ENDING, at: timeOf(at) }
  if (word === 'ITEM.USER_PERMISSION_REVOKED') return { login_id, what: 'ended', ...REVOKED }
  return null
}

function timeOf(text: string | null | undefined): string | null {
  const at = new Date(text ?? Number.NaN)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

const ENDING = {
  code: 'expiring',
  reason: 'What the person allowed ends soon; they have to allow it anew in Link.',
}
const REVOKED = {
  code: 'permission_revoked',
  reason: 'The person allows this no more; they have to link their bank anew.',
}

const failureOf = (code: string | null) =>
  code === 'ITEM_LOGIN_REQUIRED'
    ? { code: 'login_required', reason: 'The person has to log in at their bank again, in Link.' }
    : { code: 'item_failed', reason: `Plaid cannot read this bank${code === null ? '' : ` (${code})`}.` }
