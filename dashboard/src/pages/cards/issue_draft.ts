import type { BodyOf } from '../../api/types.ts'
import { type AddressDraft, EMPTY_ADDRESS, toAddress } from './address_fields.tsx'
import { type LimitsDraft, toLimits, toLimitsDraft } from './limits_draft.ts'

/** A card as it is asked for. */

type Sent = BodyOf<'/v1/cards'>
type Service = NonNullable<NonNullable<Sent['shipping']>['service']>

export const SERVICES = ['standard', 'express', 'priority'] as const satisfies readonly Service[]
export const CURRENCIES = ['BRL', 'USD', 'EUR', 'GBP'] as const

export type Draft = {
  connection_id: string
  cardholder: string
  kind: Sent['kind']
  currency: string
  customer: string
  active: boolean
  limits: LimitsDraft
  shipping: { name: string; address: AddressDraft; phone_number: string; service: Service | null }
}

export const emptyDraft = (): Draft => ({
  connection_id: '',
  cardholder: '',
  kind: 'virtual',
  currency: 'BRL',
  customer: '',
  active: true,
  limits: toLimitsDraft({}, 'BRL'),
  shipping: { name: '', address: EMPTY_ADDRESS, phone_number: '', service: null },
})

export function bodyOf({ connection_id, cardholder, kind, currency, active, ...draft }: Draft): Sent {
  const { name, address, phone_number, service } = draft.shipping
  const limits = toLimits(draft.limits, currency)
  const customer = draft.customer.trim()
  return {
    ...{ connection_id, cardholder: cardholder.trim(), kind, currency, active },
    ...(customer !== '' && { customer }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(kind === 'physical' && {
      shipping: {
        ...{ name: name.trim(), address: toAddress(address) },
        ...(phone_number.trim() !== '' && { phone_number: phone_number.trim() }),
        ...(service !== null && { service }),
      },
    }),
  }
}
