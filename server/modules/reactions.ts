import type { News, VendorPayment, VendorRefund } from '../kit/news.ts'
import type { App } from './app.ts'
import type { About, Reaction } from './inbound/inbound.ts'
import { reactToPayment, reactToRefund } from './payments/payments.ts'

/**
 * What each kind of news leads to, in one flat table. A provider's message is translated into news; here a room
 * claims it. News that no room claims is published under its own name.
 */
type React = (app: App, news: News, about: About) => Promise<Reaction>

const NOTHING: Reaction = { facts: [], deeds: [] }

const REACTIONS: Record<string, React> = {
  'payment.changed': async (app, { payment }, about) => {
    if (!payment) return NOTHING
    const deed = await reactToPayment(app, payment, about)
    return deed ? { facts: [], deeds: [deed] } : { facts: [strangers(payment, about)], deeds: [] }
  },
  'refund.changed': async (app, { refund }, about) => {
    const deed = refund && (await reactToRefund(app, refund as VendorRefund, about))
    return deed ? { facts: [], deeds: [deed] } : NOTHING
  },
}

export async function react(app: App, news: News, about: About): Promise<Reaction> {
  const reaction = REACTIONS[news.type]
  if (reaction) return reaction(app, news, about)
  return news.data === undefined ? NOTHING : { facts: [{ type: news.type, data: news.data }], deeds: [] }
}

/** A payment that was not made through us is told of as its vendor tells of it. */
const strangers = (payment: VendorPayment, { provider, source_id }: About) => ({
  type: `payment.${payment.status}`,
  data: JSON.stringify({ provider, source_id, payment }),
})
