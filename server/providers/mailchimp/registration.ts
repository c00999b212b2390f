import { get, operation, patch, path, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { Done, Hook, Hooks } from './wire.ts'

const hooksOf = ({ target }: Registering): string => path`/lists/${target['list_id'] ?? ''}/webhooks`

const hookOf = (asked: Registering): string => hooksOf(asked) + path`/${asked.vendor_id ?? ''}`

const EVENTS = ['subscribe', 'unsubscribe', 'profile', 'cleaned', 'upemail', 'campaign'] as const

/** Mailchimp wants a yes or no to each; what a pattern of ours does not want is ignored when it comes. */
function toTell({ url, event_types }: Registering) {
  const is_all = event_types === null || event_types.some((type) => type.includes('*'))
  const events = Object.fromEntries(
    EVENTS.map((event) => [event, is_all || (event_types?.includes(event) ?? false)]),
  )
  return { url, events, sources: { user: true, admin: true, api: true } }
}

const toRegistered = ({ id, url }: Hook): Registered => ({ vendor_id: id, url })

/** Without the secret behind it, which may have been another. */
const placeOf = (url: string): string => url.split('?')[0] ?? url

/** mailchimp.com/developer/marketing/api/list-webhooks: the webhooks of one audience. The secret is part of the address. */
export const registration: Registration = {
  fields: [
    {
      key: 'list_id',
      label: 'Audience',
      hint: 'its id: Audience, Settings, Audience name and defaults',
      required: true,
      pattern: '[0-9A-Za-z]{4,40}',
      example: 'a6b5da1054',
    },
  ],
  secret: 'ours',
  find: operation({
    input: Registering,
    request: (asked) => get(hooksOf(asked)),
    reads: Hooks,
    translate: ({ webhooks }, { url }) => {
      const found = webhooks.find((one) => placeOf(one.url) === placeOf(url))
      return found ? toRegistered(found) : null
    },
  }),
  register: operation({
    input: Registering,
    request: (asked) => post(hooksOf(asked), toTell(asked)),
    reads: Hook,
    translate: toRegistered,
  }),
  change: operation({
    input: Registering,
    request: (asked) => patch(hookOf(asked), toTell(asked)),
    reads: Hook,
    translate: toRegistered,
  }),
  unregister: operation({
    input: Registering,
    request: (asked) => ({ method: 'DELETE', path: hookOf(asked) }),
    reads: Done,
    translate: () => ({ done: true }),
  }),
}
