import type { Citizen, Send } from './world.ts'
import { ok } from './world.ts'

/** A customer of the tenant comes by a link and makes a subscription of theirs. */
export async function visitPortal(send: Send, { tenant, live_key }: Citizen, url: string): Promise<void> {
  const customer = `shop-of-${tenant}`
  const link = await ok(send('POST', '/v1/portal/links', { key: live_key, json: { customer } }))
  const key = new URL(String(link['url'])).hash.slice(1)
  const json = { name: 'Shop', url, event_types: ['order.shop'] }
  const { id } = await ok(send('POST', '/v1/portal/subscriptions', { key, json }))
  for (const path of ['', '/subscriptions', `/subscriptions/${id}`])
    await ok(send('GET', `/v1/portal${path}`, { key }))
}
