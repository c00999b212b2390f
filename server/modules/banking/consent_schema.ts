import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Page, Timestamp, WireId } from '../wire.ts'
import type { ConsentRow } from './consent_queries.ts'

const closed = { additionalProperties: false }

const Document = Type.String({
  pattern: '^[0-9]{11}$',
  description: 'CPF of the person who agrees; handed to the bank and not kept',
  examples: ['52998224725'],
})
const BusinessDocument = Type.String({
  pattern: '^[0-9A-Z]{14}$',
  description: 'CNPJ of the company they agree for',
  examples: ['00000000000191'],
})
const Until = Type.String({
  format: 'date-time',
  description: 'At most a year ahead; where absent it holds until it is revoked',
  examples: ['2027-10-01T12:00:00Z'],
})
const ReturnTo = Type.String({
  maxLength: 2000,
  description: 'Where the browser goes afterwards; https://, or http:// on localhost',
  examples: ['https://app.example.com/banks'],
})

export const CreateConsent = Type.Object(
  {
    document: Document,
    business_document: Type.Optional(BusinessDocument),
    permissions: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        minItems: 1,
        maxItems: 50,
        description: 'In the words of Open Finance, whole groups; accounts and credit cards where absent',
        examples: [['ACCOUNTS_READ', 'ACCOUNTS_BALANCES_READ', 'RESOURCES_READ']],
      }),
    ),
    expires_at: Type.Optional(Until),
    return_to: Type.Optional(ReturnTo),
  },
  closed,
)
export type CreateConsent = Static<typeof CreateConsent>

export const VisitConsent = Type.Object({ return_to: Type.Optional(ReturnTo) }, closed)
export type VisitConsent = Static<typeof VisitConsent>

export const ExtendConsent = Type.Object(
  {
    document: Document,
    business_document: Type.Optional(BusinessDocument),
    expires_at: Type.Optional(Until),
    customer_ip: Type.Optional(
      Type.String({ maxLength: 100, description: 'From where the person asks', examples: ['203.0.113.7'] }),
    ),
    customer_agent: Type.Optional(
      Type.String({ maxLength: 100, description: 'Their browser or app', examples: ['Mozilla/5.0'] }),
    ),
  },
  closed,
)
export type ExtendConsent = Static<typeof ExtendConsent>

export const Consent = Type.Object({
  id: WireId('bank_consent'),
  bank_id: WireId('bank'),
  user_id: Type.String(),
  state: Type.Union(
    [
      Type.Literal('CREATING'),
      Type.Literal('AWAITING_AUTHORISATION'),
      Type.Literal('AUTHORISED'),
      Type.Literal('REJECTED'),
    ],
    { description: "Open Finance's words; CREATING: the bank has not answered yet" },
  ),
  vendor_id: Nullable(Type.String({ description: 'consentId at the bank' })),
  permissions: Type.Array(Type.String()),
  rejection: Nullable(
    Type.Object({
      code: Type.String(),
      by: Nullable(Type.String({ description: 'USER, ASPSP (the bank) or TPP (we)' })),
      detail: Nullable(Type.String()),
    }),
  ),
  expires_at: Nullable(Timestamp),
  authorised_at: Nullable(Timestamp),
  revocation: Nullable(
    Type.Union([Type.Literal('pending'), Type.Literal('heard'), Type.Literal('failed')], {
      description:
        'Whether the bank knows that we ended it; failed: it was told for days and never heard, end it again to have it told anew. null: there is nothing to tell',
    }),
  ),
  created_at: Timestamp,
})
export type Consent = Static<typeof Consent>
export const Consents = Page(Consent)

export const Visit = Type.Object({
  redirect_url: Type.String({ description: 'Of the bank; send the person there within a minute' }),
  redirect_expires_at: Timestamp,
})
export const CreatedConsent = Type.Object({ ...Consent.properties, ...Visit.properties })
export type CreatedConsent = Static<typeof CreatedConsent>

export const ParticipantQuery = Type.Object(
  {
    query: Type.Optional(
      Type.String({ maxLength: 100, description: 'Part of its name, or the beginning of its ISPB or CNPJ' }),
    ),
  },
  closed,
)
export const Participants = Type.Object({
  data: Type.Array(
    Type.Object({
      provider: Type.String(),
      organisation_id: Type.String(),
      name: Type.String(),
      organisation: Nullable(Type.String()),
      bank_code: Nullable(Type.String()),
      cnpj: Nullable(Type.String()),
      logo: Nullable(Type.String()),
      settings: Type.Record(Type.String(), Type.String(), { description: 'Of a connection to it' }),
    }),
    { description: 'At most 100' },
  ),
  as_of: Timestamp,
})

export const toConsent = (row: ConsentRow): Consent => ({
  id: toWire('bank_consent', row.id),
  bank_id: toWire('bank', row.bank_id),
  user_id: row.user_id,
  state: row.state,
  vendor_id: row.vendor_id,
  permissions: row.permissions,
  rejection: row.rejection,
  expires_at: row.expires_at?.toISOString() ?? null,
  authorised_at: row.authorised_at?.toISOString() ?? null,
  revocation: row.revocation,
  created_at: row.created_at.toISOString(),
})
