import { get, operation, path, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { API_VERSION, Deleted, WebhookEndpoint, WebhookEndpoints } from './wire.ts'

/** Stripe takes whole names or `*`; what a pattern of ours does not want is ignored when it comes. */
const enabledEvents = ({ event_types }: Registering): string[] =>
  event_types === null || event_types.some((type) => type.includes('*')) ? ['*'] : event_types

const toRegistered = ({ id, url, secret }: WebhookEndpoint): Registered => ({
  vendor_id: id,
  url,
  ...(typeof secret === 'string' && { secret }),
})

const at = ({ vendor_id }: Registering): string => path`/v1/webhook_endpoints/${vendor_id ?? ''}`

/** docs.stripe.com/api/webhook_endpoints. The secret is told once, by the answer that makes the endpoint. */
export const registration: Registration = {
  fields: [],
  secret: 'theirs',
  find: operation({
    input: Registering,
    request: () => get('/v1/webhook_endpoints', { limit: 100 }),
    reads: WebhookEndpoints,
    translate: ({ data }, { url }) => {
      const found = data.find((one) => one.url === url)
      return found ? toRegistered(found) : null
    },
  }),
  register: operation({
    input: Registering,
    request: (asked, { api_version }) =>
      post('/v1/webhook_endpoints', {
        url: asked.url,
        enabled_events: enabledEvents(asked),
        api_version: api_version ?? API_VERSION,
        description: 'Trilho',
      }),
    reads: WebhookEndpoint,
    translate: toRegistered,
  }),
  change: operation({
    input: Registering,
    request: (asked) =>
      post(at(asked), { url: asked.url, enabled_events: enabledEvents(asked), disabled: false }),
    reads: WebhookEndpoint,
    translate: toRegistered,
  }),
  unregister: operation({
    input: Registering,
    request: (asked) => ({ method: 'DELETE', path: at(asked) }),
    reads: Deleted,
    translate: () => ({ done: true }),
  }),
}
