import type { News, VendorPayment, VendorRefund } from '../kit/news.ts'
import type { App } from './app.ts'
import { reactToBank } from './banking/banking.ts'
import * as cards from './cards/cards.ts'
import type { About, Reaction } from './inbound/inbound.ts'
import { reactToDispute, reactToPayment, reactToRefund } from './payments/payments.ts'

/**
 * What each kind of news leads to, in one flat table. A provider's message is translated into news; here a room
 * claims it. News that no room claims is published under its own name.
 */
type React = (app: App, news: News, about: About) => Promise<Reaction>

const NOTHING: Reaction = { facts: [], deeds: [] }

const REACTIONS: Record<string, React> = {
  'bank.changed': async (app, news, about) =>
    'bank' in news ? { facts: [], deeds: [reactToBank(app, news.bank, about)] } : NOTHING,
  'payment.changed': async (app, { payment }, about) => {
    if (!payment) return NOTHING
    const fact = strangers(payment, about)
    const deed = await reactToPayment(app, payment, about, fact)
    return deed ? { facts: [], deeds: [deed] } : { facts: [fact], deeds: [] }
  },
  'refund.changed': async (app, { refund }, about) => {
    const deed = refund && (await reactToRefund(app, refund as VendorRefund, about))
    return deed ? { facts: [], deeds: [deed] } : NOTHING
  },
  'dispute.changed': async (app, news, about) =>
    'dispute' in news ? doing(await reactToDispute(app, news.dispute, about)) : NOTHING,
  'card.changed': async (app, news, about) =>
    'card' in news ? doing(await cards.reactToCard(app, news.card, about)) : NOTHING,
  'card.authorization_asked': async (app, news, about) =>
    'question' in news ? doing(await cards.reactToQuestion(app, news.question, about)) : NOTHING,
  'card.authorization_changed': async (app, news, about) =>
    'authorization' in news
      ? doing(await cards.reactToAuthorization(app, news.authorization, about))
      : NOTHING,
  'card.transaction_made': async (app, news, about) =>
    'transaction' in news ? doing(await cards.reactToTransaction(app, news.transaction, about)) : NOTHING,
}

/** Of what was not made through us nothing is told. */
const doing = (deed: Reaction['deeds'][number] | null): Reaction =>
  deed ? { facts: [], deeds: [deed] } : NOTHING

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
