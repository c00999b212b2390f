import type { CreateConsent, ExtendConsent, VendorConsent } from '../../kit/banking.ts'
import { path, post } from '../../kit/provider.ts'
import { words } from '../../kit/reads.ts'
import { Problem } from '../../platform/errors.ts'
import type { Consent } from './wire.ts'

const BASE = '/consents/v3/consents'

export const consentPath = (vendor_id: string): string => BASE + path`/${vendor_id}`

/** Without milliseconds: the specification refuses them here and demands them elsewhere. */
const moment = (at: string): string => `${new Date(at).toISOString().slice(0, 19)}Z`

const who = ({ document, business_document }: Pick<CreateConsent, 'document' | 'business_document'>) => ({
  loggedUser: { document: { identification: document, rel: 'CPF' } },
  ...(business_document !== undefined && {
    businessEntity: { document: { identification: business_document, rel: 'CNPJ' } },
  }),
})

export const createRequest = (input: CreateConsent) =>
  post(BASE, {
    data: {
      ...who(input),
      permissions: input.permissions,
      ...(input.expires_at !== undefined && { expirationDateTime: moment(input.expires_at) }),
    },
  })

/** The person has to be here: the bank is told from where and with what they ask. */
export const extendRequest = (input: ExtendConsent) => ({
  ...post(`${consentPath(input.vendor_id)}/extends`, {
    data: {
      ...who(input),
      ...(input.expires_at !== undefined && { expirationDateTime: moment(input.expires_at) }),
    },
  }),
  headers: {
    'x-fapi-customer-ip-address': input.customer_ip ?? '0.0.0.0',
    'x-customer-user-agent': input.customer_agent ?? 'unknown',
  },
})

const STATUS = words<VendorConsent['status']>({
  AWAITING_AUTHORISATION: 'AWAITING_AUTHORISATION',
  AUTHORISED: 'AUTHORISED',
  REJECTED: 'REJECTED',
})

/** A state that nobody knows lets nothing be read and is asked again; it is never taken for a yes. */
export const toConsent = ({ data }: Consent): VendorConsent => ({
  vendor_id: data.consentId,
  status: STATUS[data.status] ?? 'AWAITING_AUTHORISATION',
  permissions: data.permissions,
  expires_at: data.expirationDateTime ? toTime(data.expirationDateTime) : null,
  rejection: data.rejection
    ? {
        code: data.rejection.reason.code,
        by: data.rejection.rejectedBy ?? null,
        detail: data.rejection.reason.additionalInformation ?? null,
      }
    : null,
})

export function toTime(text: string): string {
  const at = new Date(text)
  if (!Number.isNaN(at.getTime())) return at.toISOString()
  throw new Problem('invalid_request', { detail: `"${text.slice(0, 40)}" is no time` })
}
