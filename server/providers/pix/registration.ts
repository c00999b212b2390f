import type { Settings } from '../../kit/fields.ts'
import { get, type OperationRequest, operation, path, put } from '../../kit/provider.ts'
import { Registering, type Registration } from '../../kit/registration.ts'
import { Nothing, remove } from './shapes.ts'
import { Webhook } from './wire.ts'

/** One address for each key, at `PUT /webhook/{chave}`: a second one takes the place of the first. */
const keyOf = ({ target }: Registering, settings: Settings): string =>
  target['pix_key'] ?? String(settings['pix_key'])

/** The PSP adds `/pix` to what it is given: behind a query it must not become a part of the secret. */
const toTell = (url: string): string => (url.includes('?') ? `${url}&at=` : url)

const set = operation({
  input: Registering,
  request: (asked, settings): OperationRequest =>
    put(path`/webhook/${keyOf(asked, settings)}`, { webhookUrl: toTell(asked.url) }),
  reads: Nothing,
  translate: (_reply, { url, target }) => ({ vendor_id: target['pix_key'] ?? 'of the connection', url }),
})

export const registration: Registration = {
  fields: [
    {
      key: 'pix_key',
      label: 'Pix key',
      hint: 'whose Pix are told; that of the connection unless another is named',
      pattern: '[\\x21-\\x7e]{1,77}',
    },
  ],
  secret: 'ours',
  find: operation({
    input: Registering,
    request: (asked, settings) => get(path`/webhook/${keyOf(asked, settings)}`),
    reads: Webhook,
    translate: ({ webhookUrl, chave }) => ({ vendor_id: chave ?? 'of the connection', url: webhookUrl }),
  }),
  register: set,
  change: set,
  unregister: operation({
    input: Registering,
    request: (asked, settings) => remove(path`/webhook/${keyOf(asked, settings)}`),
    reads: Nothing,
    translate: () => ({ done: true }),
  }),
}
