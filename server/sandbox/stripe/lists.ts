import { numberIn, type SandboxRequest } from '../wire.ts'
import { missing, type Refusal } from './errors.ts'
import { type Form, listOf } from './form.ts'
import type { Charge } from './intents.ts'

/** Newest first; `starting_after` and `limit` as docs.stripe.com/api/pagination. */
export function list(
  kept: Map<string, unknown>,
  request: SandboxRequest,
  url: string,
): Record<string, unknown> | Refusal {
  const limit = Math.max(1, numberIn(request.query, 'limit', 10, 100))
  const after = request.query.get('starting_after')
  const newest = ([...kept.values()].reverse() as { id: string; created?: number }[]).filter(
    isCreatedIn(request),
  )
  const from = after === null ? 0 : newest.findIndex((item) => item.id === after) + 1
  if (after !== null && from === 0) return missing('object', after, 'starting_after')
  return {
    object: 'list',
    url,
    has_more: newest.length > from + limit,
    data: newest.slice(from, from + limit),
  }
}

/** `created[gte]`, `created[lt]` and the like, in seconds. */
function isCreatedIn({ query }: SandboxRequest): (one: { created?: number }) => boolean {
  const [least, below] = [query.get('created[gte]'), query.get('created[lt]')]
  return ({ created = 0 }) =>
    (least === null || created >= Number(least)) && (below === null || created < Number(below))
}

/** `latest_charge` in an intent, `data.latest_charge` in a list of them. */
export function expand(
  charges: ReadonlyMap<string, Charge>,
  result: Record<string, unknown>,
  form: Form,
): Record<string, unknown> {
  const wanted = listOf(form, 'expand')
  const { data } = result
  if (Array.isArray(data) && wanted.includes('data.latest_charge')) {
    return { ...result, data: data.map((item) => withCharge(charges, item)) }
  }
  return wanted.includes('latest_charge') ? withCharge(charges, result) : result
}

function withCharge(
  charges: ReadonlyMap<string, Charge>,
  intent: Record<string, unknown>,
): Record<string, unknown> {
  const charge = charges.get(String(intent['latest_charge']))
  return charge ? { ...intent, latest_charge: charge } : intent
}
