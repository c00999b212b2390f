import { operation, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { ItemTold } from './wire.ts'

const toRegistered = ({ item: { item_id, webhook } }: ItemTold): Registered => ({
  vendor_id: item_id,
  url: webhook ?? '',
})

const tell = (webhook: string | null) => post('/item/webhook/update', { webhook })

/**
 * plaid.com/docs/api/items/#itemwebhookupdate: the item whose access token the connection has. It has one address, and
 * Plaid tells it of everything.
 */
export const registration: Registration = {
  fields: [],
  secret: 'ours',
  find: operation({
    input: Registering,
    request: () => post('/item/get', {}),
    reads: ItemTold,
    translate: (told) => (told.item.webhook ? toRegistered(told) : null),
  }),
  register: operation({
    input: Registering,
    request: ({ url }) => tell(url),
    reads: ItemTold,
    translate: toRegistered,
  }),
  change: operation({
    input: Registering,
    request: ({ url }) => tell(url),
    reads: ItemTold,
    translate: toRegistered,
  }),
  unregister: operation({
    input: Registering,
    request: () => tell(null),
    reads: ItemTold,
    translate: () => ({ done: true }),
  }),
}
