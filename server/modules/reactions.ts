import type { News, VendorPayment } from '../kit/news.ts'

/**
 * What each kind of news leads to, in one flat table. A provider's message is translated into news; here a room
 * claims it. News that no room claims is published under its own name.
 */
type About = { provider: string; source_id: string }
type Draft = { type: string; data: string }

const REACTIONS: Record<string, (news: News, about: About) => Draft[]> = {
  'payment.changed': ({ payment }, about) => (payment ? [paymentEvent(payment, about)] : []),
}

export function react(news: News, about: About): Draft[] {
  const reaction = REACTIONS[news.type]
  if (reaction) return reaction(news, about)
  return news.data === undefined ? [] : [{ type: news.type, data: news.data }]
}

const paymentEvent = (payment: VendorPayment, { provider, source_id }: About): Draft => ({
  type: `payment.${payment.status}`,
  data: JSON.stringify({ provider, source_id, payment }),
})
