import { compileFilter } from '../../kit/filter.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { checkBrokerUrl } from './broker.ts'
import { checkHeaders } from './headers.ts'
import { checkOrdering } from './order.ts'
import { checkPayload } from './payload.ts'
import { checkPlain } from './plain.ts'
import type { SubscriptionChange } from './queries.ts'
import { headerOf, type ReceiverAuth, readReceiverAuth, type ShownReceiverAuth } from './receiver_auth.ts'
import type { CreateSubscription, UpdateSubscription } from './schema.ts'

/** What was asked for, checked, as it is kept: columns, and by field what goes to the vault. */
export type Settings = { change: SubscriptionChange; sealed: { headers?: string; auth?: string } }

const NONE = '{}'

export async function readSettings(
  app: App,
  tenant_id: string,
  input: Partial<CreateSubscription> | UpdateSubscription,
): Promise<Settings> {
  const { headers, auth, filter, metadata, url, order, rate, payload, ...plain } = input
  const change: SubscriptionChange = { ...plain }
  if ('secret' in change) delete change.secret
  const sealed: Settings['sealed'] = {}
  if (url !== undefined) change.url = checkUrl(app, url)
  if (metadata !== undefined) change.metadata = JSON.stringify(metadata)
  if (rate !== undefined) {
    change.rate_count = rate?.count ?? null
    change.rate_per_s = rate?.per_s ?? null
  }
  if (order !== undefined) change.ordering = order === null ? null : JSON.stringify(checkOrdering(order))
  if (filter !== undefined) change.filter = filter === null ? null : checkedFilter(filter)
  if (payload !== undefined) change.payload = payload && (await checkPayload(app, tenant_id, payload))
  if (headers !== undefined) {
    const checked = checkHeaders(headers ?? {})
    change.header_names = Object.keys(checked)
    sealed.headers = JSON.stringify(checked)
  }
  if (auth !== undefined) {
    if (auth?.type === 'oauth2') checkPlain(app, 'auth.token_url', auth.token_url)
    const read = auth === null ? null : readReceiverAuth(auth)
    change.auth = read && JSON.stringify(read.shown)
    sealed.auth = read ? JSON.stringify(read.sealed) : NONE
  }
  return { change, sealed }
}

function checkedFilter(filter: Record<string, unknown>): string {
  compileFilter(filter)
  return JSON.stringify(filter)
}

/** A header of its own that authentication sets too would be sent in one of the two ways, and nobody knew in which. */
export function checkApart(header_names: string[], auth: ShownReceiverAuth | ReceiverAuth | null): void {
  if (!auth) return
  const name = headerOf(auth)
  if (name !== null && header_names.includes(name)) {
    throw new Problem('invalid_request', {
      field: `headers.${name}`,
      detail: `headers.${name} is what auth sets; give one of the two`,
    })
  }
}

function checkUrl(app: App, text: string): string {
  checkPlain(app, 'url', text)
  const broker = checkBrokerUrl(text)
  if (broker !== null) return broker
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new Problem('invalid_request', {
      field: 'url',
      detail:
        'url must be an http or https address without a user name, such as https://example.com/webhooks, or that of a queue, such as amqps://mq.example.com/?exchange=events',
    })
  }
  return url.href
}
