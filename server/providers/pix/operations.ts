import Type, { type Static } from 'typebox'
import type { Settings } from '../../kit/fields.ts'
import { get, type OperationRequest, operation, path, post, put } from '../../kit/provider.ts'
import { automatic } from './automatic.ts'
import { lots } from './lots.ts'
import { ByLocation, closed, done, Nothing, remove, Stretch, stretch, text } from './shapes.ts'
import { toItems, toLocation, toPayment, toReceived, toWebhook } from './translate.ts'
import { ChargeList, Location, Pix, PixList, Webhook } from './wire.ts'

/** The rest of the API: what is asked by name and concerns no payment of ours. */

const Url = Type.String({
  minLength: 8,
  maxLength: 1000,
  description: 'The API posts to it with /pix, /rec or /cobr behind',
})
const Key = Type.Optional(Type.String({ minLength: 1, maxLength: 77, description: 'That of the connection' }))
const Kind = Type.Union([Type.Literal('cob'), Type.Literal('cobv')])

const keyOf = ({ pix_key }: { pix_key?: string }, settings: Settings): string =>
  pix_key ?? String(settings['pix_key'])

const ByKey = closed({ pix_key: Key })

const received = {
  'pix.read': operation({
    input: closed({ end_to_end_id: text(32) }),
    request: ({ end_to_end_id }) => get(path`/pix/${end_to_end_id}`),
    reads: Pix,
    translate: toReceived,
  }),
  'pix.list': operation({
    input: Stretch,
    request: (input) => get('/pix', stretch(input)),
    reads: PixList,
    translate: (page) => toItems(page, page.pix, toReceived),
  }),
}

const listOfCharges = (at: '/cob' | '/cobv') =>
  operation({
    input: Stretch,
    request: (input) => get(at, stretch(input)),
    reads: ChargeList,
    translate: (page) => toItems(page, page.cobs, toPayment),
  })

const location = (request: (input: Static<typeof ByLocation>) => OperationRequest) =>
  operation({ input: ByLocation, request, reads: Location, translate: toLocation })

const charges = {
  'charges.list': listOfCharges('/cob'),
  'due_charges.list': listOfCharges('/cobv'),
  'locations.create': operation({
    input: closed({ kind: Kind }),
    request: ({ kind }) => post('/loc', { tipoCob: kind }),
    reads: Location,
    translate: toLocation,
  }),
  'locations.read': location(({ location_id }) => get(path`/loc/${location_id}`)),
  /** The charge behind it is behind it no longer; it may be given to another. */
  'locations.release': location(({ location_id }) => remove(path`/loc/${location_id}/txid`)),
}

/** Those of recurrences and of their charges: one each for the whole receiver. */
const webhooksOf = (name: string, at: '/webhookrec' | '/webhookcobr') => ({
  [`${name}.set`]: operation({
    input: closed({ url: Url }),
    request: ({ url }) => put(at, { webhookUrl: url }),
    reads: Nothing,
    translate: done,
  }),
  [`${name}.read`]: operation({
    input: closed({}),
    request: () => get(at),
    reads: Webhook,
    translate: toWebhook,
  }),
  [`${name}.remove`]: operation({
    input: closed({}),
    request: () => remove(at),
    reads: Nothing,
    translate: done,
  }),
})

const webhooks = {
  'webhooks.set': operation({
    input: closed({ url: Url, pix_key: Key }),
    request: (input, settings) => put(path`/webhook/${keyOf(input, settings)}`, { webhookUrl: input.url }),
    reads: Nothing,
    translate: done,
  }),
  'webhooks.read': operation({
    input: ByKey,
    request: (input, settings) => get(path`/webhook/${keyOf(input, settings)}`),
    reads: Webhook,
    translate: toWebhook,
  }),
  'webhooks.remove': operation({
    input: ByKey,
    request: (input, settings) => remove(path`/webhook/${keyOf(input, settings)}`),
    reads: Nothing,
    translate: done,
  }),
  ...webhooksOf('recurrence_webhooks', '/webhookrec'),
  ...webhooksOf('recurring_charge_webhooks', '/webhookcobr'),
}

export const operations = { ...received, ...charges, ...lots, ...webhooks, ...automatic }
