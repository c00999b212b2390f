import Type from 'typebox'
import type { EventType } from './catalog.ts'

/** The types of events about transfers. Of where one goes they hold what is shown of it, masked. */

const Money = Type.Object({
  amount: Type.String({ description: 'Minor units: 15050 is R$ 150,50' }),
  currency: Type.String({ description: 'ISO 4217' }),
})
const Text = Type.Union([Type.String(), Type.Null()])

const TransferChange = Type.Object({
  provider: Type.String({ description: 'Provider id' }),
  connection_id: Type.String(),
  transfer: Type.Object({
    id: Type.String({ description: 'GET /v1/transfers/{id}' }),
    status: Type.String(),
    method: Type.String(),
    money: Money,
    returned: Money,
    to: Type.Object({ pix_key: Text, name: Text, document: Text, bank_code: Text, number: Text }),
    scheduled_for: Text,
    vendor_id: Text,
    end_to_end_id: Text,
  }),
})

const transfer = (status: string, description: string, more: object = {}): EventType => ({
  name: `transfer.${status}`,
  description,
  schema: TransferChange,
  example: {
    provider: 'banco_do_brasil_transfers',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    transfer: {
      id: 'trf_01jz8k3v9mf2tb7xq4c5n6p8rs',
      status,
      method: 'pix',
      money: { amount: '15050', currency: 'BRL' },
      returned: { amount: '0', currency: 'BRL' },
      to: { pix_key: '**********4321', name: 'Padaria Sol', document: null, bank_code: null, number: null },
      scheduled_for: null,
      vendor_id: null,
      end_to_end_id: null,
      ...more,
    },
  },
})

const KNOWN = { vendor_id: '97310300001234560001' }

export const TRANSFER_TYPES: readonly EventType[] = [
  transfer('awaiting_approval', 'A second person has to let a transfer go'),
  transfer('scheduled', 'A transfer is sent when its day comes', { scheduled_for: '2026-12-30' }),
  transfer('pending', 'A transfer is about to be sent'),
  transfer('processing', 'A transfer was sent to its bank'),
  transfer('completed', 'The money has left the account', KNOWN),
  transfer('failed', 'The transfer was not made, and no money left the account'),
  transfer('canceled', 'The transfer was given up, and no money left the account'),
  transfer('returned', 'The money came back', {
    ...KNOWN,
    returned: { amount: '15050', currency: 'BRL' },
  }),
]
