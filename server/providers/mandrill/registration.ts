import { operation, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { Done, Hook, Hooks } from './wire.ts'

/** Those it posts to a webhook; it refuses names it does not know. */
const KNOWN = [
  'send',
  'deferral',
  'hard_bounce',
  'soft_bounce',
  'open',
  'click',
  'spam',
  'unsub',
  'reject',
  'blacklist',
  'whitelist',
]

/** What a pattern of ours does not want is ignored when it comes. */
function eventsOf({ event_types }: Registering): string[] {
  if (event_types === null || event_types.some((type) => type.includes('*'))) return KNOWN
  return KNOWN.filter((event) => event_types.includes(event))
}

const idOf = ({ vendor_id }: Registering) => ({ id: Number(vendor_id) })
const toTell = (asked: Registering) => ({ url: asked.url, description: 'Trilho', events: eventsOf(asked) })

const toRegistered = ({ id, url, auth_key }: Hook): Registered => ({
  vendor_id: String(id),
  url,
  ...(typeof auth_key === 'string' && { secret: auth_key }),
})

/** mailchimp.com/developer/transactional/api/webhooks. Each webhook has a key of its own, which every answer tells. */
export const registration: Registration = {
  fields: [],
  secret: 'theirs',
  find: operation({
    input: Registering,
    request: () => post('/webhooks/list.json', {}),
    reads: Hooks,
    translate: (hooks, { url }) => {
      const found = hooks.find((one) => one.url === url)
      return found ? toRegistered(found) : null
    },
  }),
  register: operation({
    input: Registering,
    request: (asked) => post('/webhooks/add.json', toTell(asked)),
    reads: Hook,
    translate: toRegistered,
  }),
  change: operation({
    input: Registering,
    request: (asked) => post('/webhooks/update.json', { ...idOf(asked), ...toTell(asked) }),
    reads: Hook,
    translate: toRegistered,
  }),
  unregister: operation({
    input: Registering,
    request: (asked) => post('/webhooks/delete.json', idOf(asked)),
    reads: Done,
    translate: () => ({ done: true }),
  }),
}
