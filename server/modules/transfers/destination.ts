import { readDocument } from '../../kit/brazil/document.ts'
import { readPixKey } from '../../kit/brazil/pix.ts'
import type { Destination, TransferMethod } from '../../kit/transfers.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import type { Shown } from './schema.ts'

/** Where a transfer goes: read strictly, kept sealed, and shown in part. */

const refused = (field: string, detail: string) =>
  new Problem('invalid_request', { field: `destination.${field}`, detail: `destination.${field}: ${detail}` })

/** As the method needs it; a Pix key as the DICT writes it. */
export function readDestination(method: TransferMethod, given: Destination): Destination {
  const { pix_key, account, name, document } = given
  if (document !== undefined) {
    const read = readDocument(document)
    if (!read.valid) throw refused('document', read.reason)
  }
  if (method === 'pix' && pix_key !== undefined) {
    if (account) throw refused('account', 'a Pix goes to a key or to an account, not to both')
    return { ...given, pix_key: keyOf(pix_key) }
  }
  if (pix_key !== undefined) throw refused('pix_key', `a transfer by ${method} goes to an account`)
  if (!account) throw refused(method === 'pix' ? 'pix_key' : 'account', 'is missing')
  if (document === undefined) throw refused('document', 'is missing: whose account it is')
  if (method !== 'internal' && account.bank_code === undefined)
    throw refused('account.bank_code', 'is missing: the ISPB of the bank')
  if (method === 'ted' && name === undefined) throw refused('name', 'is missing: a TED names who receives it')
  return given
}

function keyOf(text: string): string {
  const key = readPixKey(text)
  if (!key.valid) throw refused('pix_key', key.reason)
  return key.value
}

/** Enough to know it again: the last signs of what is personal. */
export function shownOf({ pix_key, account, name, document }: Destination): Shown {
  const key = pix_key === undefined ? null : readPixKey(pix_key)
  return {
    pix_key: pix_key === undefined ? null : masked(pix_key),
    pix_key_type: key?.valid ? key.type : null,
    name: name ?? null,
    document: document === undefined ? null : masked(document),
    bank_code: account?.bank_code ?? null,
    branch: account?.branch ?? null,
    number: account ? masked(`${account.number}${account.check_digit}`) : null,
    kind: account ? (account.kind ?? 'checking') : null,
  }
}

/** Of an e-mail address the first sign and its domain, of anything else the last four, and never all but one. */
function masked(text: string): string {
  const at = text.indexOf('@')
  if (at > 0) return `${text.slice(0, 1)}***${text.slice(at)}`
  const hidden = Math.max(2, text.length - 4)
  return '*'.repeat(hidden) + text.slice(hidden)
}

const contextOf = (id: string) => `transfer destination ${id}`

export const sealDestination = (
  app: App,
  tx: Tx,
  { tenant_id, id }: queries.Place,
  destination: Destination,
): Promise<Buffer> => app.vault.seal(tx, tenant_id, contextOf(id), Buffer.from(JSON.stringify(destination)))

export const openDestination = (app: App, place: queries.Place): Promise<Destination> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const sealed = must(await queries.findDestination(tx, place))
    const text = await app.vault.open(tx, place.tenant_id, contextOf(place.id), sealed)
    return JSON.parse(text.toString()) as Destination
  })
