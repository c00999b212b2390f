import { remember } from '../wire.ts'
import { missing, type Refusal, refusal } from './errors.ts'
import { type Form, listOf, textOf, unknownParam } from './form.ts'
import { stripeId } from './intents.ts'

/** Webhook endpoints as docs.stripe.com/api/webhook_endpoints has them: the secret is told by the answer that makes one. */
export type Endpoint = { id: string; url: string; secret: string; enabled_events: string[]; status: string }

const MOST = 100
const CHANGEABLE = ['url', 'enabled_events', 'description', 'disabled', 'metadata']

const shown = ({ secret: _secret, ...endpoint }: Endpoint) => ({
  ...endpoint,
  object: 'webhook_endpoint',
  livemode: false,
  api_version: null,
})

export const shownEndpoints = (endpoints: ReadonlyMap<string, Endpoint>) =>
  new Map([...endpoints].map(([id, one]) => [id, shown(one)]))

export function createEndpoint(endpoints: Map<string, Endpoint>, form: Form) {
  const refused = unknownParam(form, [...CHANGEABLE, 'api_version', 'connect']) ?? refusedUrl(form, true)
  if (refused) return refused
  const endpoint: Endpoint = {
    id: stripeId('we'),
    url: textOf(form, 'url') ?? '',
    enabled_events: listOf(form, 'enabled_events'),
    status: 'enabled',
    secret: `whsec_${stripeId('k').slice(2)}`,
  }
  remember(endpoints, endpoint.id, endpoint, MOST)
  return { ...shown(endpoint), secret: endpoint.secret }
}

export function changeEndpoint(endpoints: Map<string, Endpoint>, id = '', form: Form) {
  const endpoint = endpoints.get(id)
  if (!endpoint) return missing('webhook_endpoint', id, 'webhook_endpoint')
  const refused = unknownParam(form, CHANGEABLE) ?? refusedUrl(form, false)
  if (refused) return refused
  endpoint.url = textOf(form, 'url') ?? endpoint.url
  const events = listOf(form, 'enabled_events')
  if (events.length > 0) endpoint.enabled_events = events
  const disabled = textOf(form, 'disabled')
  if (disabled !== null) endpoint.status = disabled === 'true' ? 'disabled' : 'enabled'
  return shown(endpoint)
}

export function deleteEndpoint(endpoints: Map<string, Endpoint>, id = '') {
  if (!endpoints.delete(id)) return missing('webhook_endpoint', id, 'webhook_endpoint')
  return { id, object: 'webhook_endpoint', deleted: true }
}

function refusedUrl(form: Form, required: boolean): Refusal | null {
  const url = textOf(form, 'url')
  if (url === null)
    return required
      ? refusal(400, { code: 'parameter_missing', message: 'Missing required param: url.', param: 'url' })
      : null
  return URL.canParse(url)
    ? null
    : refusal(400, { code: 'url_invalid', message: 'Not a valid URL', param: 'url' })
}
