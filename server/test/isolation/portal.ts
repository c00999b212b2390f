import { fromWire } from '../../platform/ids.ts'
import { fillPath, type Operation, sampleOf } from '../world/operations.ts'
import { type Citizen, ok, type World } from '../world/world.ts'
import type { Door, rowsOf } from './routes.ts'

/** A customer of a tenant who came by a link, and what is theirs. */
export type Customer = { token: string; subscription: string; delivery: string; marks: string[] }

export const isPortals = ({ access }: Operation): boolean => access === 'portal' || access === 'portal_edit'

/** Makes a customer, with a subscription of theirs and a delivery to it. */
export async function makeCustomer(
  { send, sandbox_url }: Pick<World, 'send' | 'sandbox_url'>,
  { live_key }: Citizen,
  name: string,
): Promise<Customer> {
  const { url } = await ok(send('POST', '/v1/portal/links', { key: live_key, json: { customer: name } }))
  const token = new URL(String(url)).hash.slice(1)
  const json = { name: `Of ${name}`, url: `${sandbox_url}/bin/${name}`, event_types: ['*'] }
  const made = await ok(send('POST', '/v1/portal/subscriptions', { key: token, json }))
  const subscription = String(made['id'])
  const sent = await ok(send('POST', `/v1/portal/subscriptions/${subscription}/test`, { key: token }))
  const delivery = String(sent['delivery_id'])
  const marks = [subscription, delivery, String(made['secret']), `Of ${name}`]
  return { token, subscription, delivery, marks: [...marks, fromWire('subscription', subscription)] }
}

/** Operations by which one customer sees, changes or learns of what is another's of the same tenant. */
export async function tryAsCustomer(
  { send, operations }: Door,
  mine: Customer,
  theirs: Customer,
  rows: () => ReturnType<typeof rowsOf>,
): Promise<string[]> {
  const leaks: string[] = []
  const before = await rows()
  for (const operation of operations.filter(isPortals)) {
    const { id, method, path, body } = operation
    const json = body ? { json: sampleOf(body) } : {}
    if (!path.includes('{')) {
      if (method !== 'GET') continue // makes what is their own
      const { text } = await send(method, path, { key: mine.token })
      if (theirs.marks.some((mark) => text.includes(mark))) leaks.push(`${id} shows what is another's`)
      continue
    }
    for (const ids of [idsOf(theirs), { ...idsOf(theirs), id: mine.subscription }]) {
      if (ids.id === mine.subscription && !path.includes('{delivery_id}')) continue
      const { status } = await send(method, fillPath(path, ids), { key: mine.token, ...json })
      if (status !== 404) leaks.push(`${id} answers ${status} to the id of another customer's`)
    }
  }
  const after = await rows()
  for (const [name, text] of before)
    if (text !== after.get(name)) leaks.push(`the rows of another customer in ${name} were changed`)
  return leaks
}

const idsOf = ({ subscription, delivery }: Customer): Record<string, string> => ({
  id: subscription,
  delivery_id: delivery,
})

/** Operations beside the portal's own that let somebody in by a link. */
export async function tryBeyondPortal(
  { send, operations }: Door,
  { token, subscription }: Customer,
): Promise<string[]> {
  const leaks: string[] = []
  for (const operation of operations.filter((one) => one.access !== 'public' && !isPortals(one))) {
    const { id, method, path, body } = operation
    const filled = path.replace(/\{[^}]+\}/g, subscription)
    const json = body ? { json: sampleOf(body) } : {}
    const { status } = await send(method, filled, { key: token, ...json })
    if (status !== 403) leaks.push(`${id} answers ${status} to who came by a link`)
  }
  return leaks
}
