import Type, { type Static } from 'typebox'

/** What somebody says who looked at the provider's papers. */

const Outcome = (description: string) =>
  Type.Union([Type.Literal('completed'), Type.Literal('failed')], { description })
const Seen = {
  vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Where it was made' })),
  note: Type.String({
    minLength: 3,
    maxLength: 500,
    description: 'Where it was seen; kept in the audit log',
  }),
}

export const ResolvePayment = Type.Object(
  { outcome: Outcome('`completed` of one that only holds the money means that it is held'), ...Seen },
  { additionalProperties: false },
)
export type ResolvePayment = Static<typeof ResolvePayment>

export const ResolveRefund = Type.Object(
  { outcome: Outcome('`failed`: nothing was given back, and it may be asked for again'), ...Seen },
  { additionalProperties: false },
)
export type ResolveRefund = Static<typeof ResolveRefund>
