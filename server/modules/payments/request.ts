import { hasCardNumber } from '../../kit/masking.ts'
import type { RefusalReason } from '../../kit/news.ts'
import type { CreatePayment as VendorCreate } from '../../kit/payments.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { money } from '../../platform/money.ts'
import type { App } from '../app.ts'
import { accountOf, type OpenConnection } from '../connections/connections.ts'
import type { CreatePayment } from './create_schema.ts'
import * as queries from './queries.ts'

/** What a vendor is asked to make a payment: made from what is asked of us, checked, and kept sealed until it answers. */

export type Request = VendorCreate & { method: string }

export function requestOf(
  id: string,
  input: CreatePayment,
  { opened: { provider } }: OpenConnection,
): Request {
  const { connection_id: _id, route_id: _route, sources: _sources, idempotency_key: _key, ...wanted } = input
  const { source, ...rest } = wanted
  return {
    ...rest,
    reference: toWire('payment', id),
    method: input.method ?? provider.payments?.methods?.[0] ?? 'card',
    ...(source !== undefined && { source, confirm: true }),
  }
}

/** What the vendor could never be asked is refused before anything is kept. Throws only what is the caller's fault. */
export function check({ opened: { provider, settings } }: OpenConnection, request: Request): void {
  const create = provider.operations['payments.create']
  if (!create)
    throw refused('connection_id', `${provider.id} takes no payments; it has no operation payments.create`)
  const { methods = [request.method], installments, instructions } = provider.payments ?? {}
  if (!methods.includes(request.method))
    throw refused('method', `${provider.id} takes ${methods.join(', ')}, not ${request.method}`)
  if ((request.installments ?? 1) > 1 && !installments)
    throw refused('installments', `${provider.id} takes no payments in parts`)
  if (request.instructions && !instructions)
    throw refused('instructions', `${provider.id} shows its payers no instructions`)
  refuseUnfit(request)
  const lines = (request.instructions ?? []).map((line): [string, string] => ['instructions', line])
  for (const [field, value] of [
    ...Object.entries(request),
    ...Object.entries(request.metadata ?? {}),
    ...lines,
  ])
    if (typeof value === 'string' && field !== 'reference' && hasCardNumber(value))
      throw refused(field, `${field} holds a card number; give the vendor's token of the card as source`)
  money(request.money.amount, request.money.currency)
  create.request(request, settings)
}

/**
 * Pix and boleto are paid by their payer, at once and whole: nothing of them is held, and none is parted. A card has no
 * day until which it may be paid.
 */
function refuseUnfit(request: Request): void {
  const { method, capture, installments = 1 } = request
  if (method === 'card') {
    for (const field of ['due_date', 'expires_in_s', 'pix_key', 'instructions'] as const)
      if (request[field] !== undefined)
        throw refused(field, `a payment by card takes no ${field}; leave it out`)
    return
  }
  if (installments > 1)
    throw refused('installments', `a payment by ${method} is paid at once; only a card pays in parts`)
  if (capture === 'manual')
    throw refused('capture', `a payment by ${method} is taken when it is paid; only a card holds money first`)
}

const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

/** One that may be asked where the one before surely took nothing, with its own token of the means of payment. */
export type Candidate = { connection_id: string; source?: string }

/**
 * What is kept of a payment until its vendor has answered. With whose account it was sent to: at another one it would be
 * another payment. `rest` may be asked after it, `next_on`: also after these declines.
 */
export type Kept = {
  request: Request
  account: string
  rest?: readonly Candidate[]
  next_on?: readonly RefusalReason[]
}

/** Whether the connection still leads to where it was sent: only there it may be sent again, and only there a no is one. */
export const isSameAccount = (kept: Kept | null, connection: OpenConnection): kept is Kept =>
  kept !== null && kept.account === accountOf(connection)

const contextOf = (id: string) => `payment request ${id}`

export const sealRequest = (
  app: App,
  tx: Tx,
  { tenant_id, id }: queries.Place,
  kept: Kept,
): Promise<Buffer> => app.vault.seal(tx, tenant_id, contextOf(id), Buffer.from(JSON.stringify(kept)))

/** Null once the vendor's answer is known. */
export const openRequest = (app: App, place: queries.Place): Promise<Kept | null> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const sealed = await queries.findRequest(tx, place)
    if (!sealed) return null
    const text = await app.vault.open(tx, place.tenant_id, contextOf(place.id), sealed)
    return JSON.parse(text.toString()) as Kept
  })
