import { toWire } from '../../platform/ids.ts'
import { toDecimal } from '../../platform/money.ts'
import type { AccountRow } from './account_queries.ts'
import type { TransactionRow } from './list_queries.ts'

/** A statement as OFX 2.1.1, which accounting programs read: financialdataexchange.org, sections 11.3 and 11.4. */

export type OfxSpan = { from: string | null; to: string; now: Date }

type Names = { set: string; reply: string; statement: string; account: string }

const namesOf = ({ kind }: AccountRow): Names =>
  kind === 'credit_card'
    ? { set: 'CREDITCARDMSGSRSV1', reply: 'CCSTMTTRNRS', statement: 'CCSTMTRS', account: 'CCACCTFROM' }
    : { set: 'BANKMSGSRSV1', reply: 'STMTTRNRS', statement: 'STMTRS', account: 'BANKACCTFROM' }

const TYPES: Record<string, string> = { savings: 'SAVINGS' }
const OK = '<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>'

export function ofxHead(account: AccountRow, { from, to, now }: OfxSpan): string {
  const names = namesOf(account)
  const number = escaped(account.number_masked ?? account.vendor_id).slice(0, 22)
  const where =
    account.kind === 'credit_card'
      ? `<ACCTID>${number}</ACCTID>`
      : `<BANKID>${escaped(account.bank_code ?? '')}</BANKID>${account.branch === null ? '' : `<BRANCHID>${escaped(account.branch)}</BRANCHID>`}` +
        `<ACCTID>${number}</ACCTID><ACCTTYPE>${TYPES[account.kind] ?? 'CHECKING'}</ACCTTYPE>`
  return [
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>',
    `<OFX><SIGNONMSGSRSV1><SONRS>${OK}<DTSERVER>${time(now)}</DTSERVER><LANGUAGE>POR</LANGUAGE></SONRS></SIGNONMSGSRSV1>`,
    `<${names.set}><${names.reply}><TRNUID>0</TRNUID>${OK}<${names.statement}><CURDEF>${account.currency}</CURDEF>`,
    `<${names.account}>${where}</${names.account}>`,
    `<BANKTRANLIST><DTSTART>${day(from ?? '2000-01-01')}</DTSTART><DTEND>${day(to)}</DTEND>\n`,
  ].join('\n')
}

export const ofxEntry = (row: TransactionRow): string =>
  `<STMTTRN><TRNTYPE>${row.amount.startsWith('-') ? 'DEBIT' : 'CREDIT'}</TRNTYPE><DTPOSTED>${time(row.at)}</DTPOSTED>` +
  `<TRNAMT>${row.exact ?? toDecimal(row)}</TRNAMT><FITID>${toWire('bank_transaction', row.id)}</FITID>` +
  `<NAME>${escaped((row.counterparty?.['name'] ?? row.description).slice(0, 32))}</NAME>` +
  `<MEMO>${escaped(row.description.slice(0, 255))}</MEMO></STMTTRN>\n`

export function ofxFoot(account: AccountRow): string {
  const { set, reply, statement } = namesOf(account)
  const { current, balance_at, currency } = account
  const balance =
    current === null || balance_at === null
      ? ''
      : `<LEDGERBAL><BALAMT>${toDecimal({ amount: current, currency })}</BALAMT><DTASOF>${time(balance_at)}</DTASOF></LEDGERBAL>`
  return `</BANKTRANLIST>${balance}</${statement}></${reply}></${set}></OFX>\n`
}

const day = (text: string): string => text.replaceAll('-', '')

const LOCAL = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Sao_Paulo',
  dateStyle: 'short',
  timeStyle: 'medium',
})
const HOUR_MS = 3_600_000

/** By the clocks that the days of a statement are counted by: many programs read its first eight digits and no more. */
function time(at: Date): string {
  const local = LOCAL.format(at)
  const ahead_h = Math.round((Date.parse(`${local.replace(' ', 'T')}Z`) - at.getTime()) / HOUR_MS)
  return `${local.replace(/\D/g, '')}[${ahead_h}:BRT]`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
/** XML takes no control characters at all. */
const escaped = (text: string): string =>
  text.replace(/\p{Cc}/gu, ' ').replace(/[&<>]/g, (character) => ENTITIES[character] ?? character)
