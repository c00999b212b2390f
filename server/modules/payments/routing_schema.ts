import Type, { type Static } from 'typebox'
import type { RefusalReason } from '../../kit/news.ts'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import { CreatePayment } from './create_schema.ts'
import type { RouteRow } from './routing_queries.ts'

/** Routes: which connections take a payment that names none. */

/** After these another acquirer may say yes. What the payer's bank means for good is not among them. */
const NEXT_ON = [
  'card_declined',
  'card_unsupported',
  'limit_exceeded',
  'vendor_unavailable',
] as const satisfies RefusalReason[]
const NextOn = Type.Array(Type.Union(NEXT_ON.map((reason) => Type.Literal(reason))), {
  maxItems: NEXT_ON.length,
  uniqueItems: true,
  description: 'Declines after which the next connection is asked too; none unless named',
})

const Rule = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    when: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'Conditions on method, money, capture, customer, installments and metadata of the payment, as filters have them; any payment where absent',
        examples: [{ method: 'pix', 'money.amount': { $gte: 10_000 } }],
      }),
    ),
    connection_ids: Type.Array(Type.String({ maxLength: 40, examples: ['con_01jz8k3v9mf2tb7xq4c5n6p8rs'] }), {
      minItems: 1,
      maxItems: 10,
      uniqueItems: true,
      description: 'Asked in this order, the next one only where the one before surely took nothing',
    }),
    next_on: Type.Optional(NextOn),
  },
  { additionalProperties: false },
)

const Name = Type.String({ minLength: 1, maxLength: 100 })
const Rules = Type.Array(Rule, { minItems: 1, maxItems: 50, description: 'The first that fits' })
const IsDefault = Type.Boolean({
  description: 'Takes payments that name neither connection nor route; of live and of test one each',
})

export const CreateRoute = Type.Object(
  { name: Name, is_default: Type.Optional(IsDefault), rules: Rules },
  { additionalProperties: false },
)
export type CreateRoute = Static<typeof CreateRoute>
export const UpdateRoute = Type.Partial(Type.Object({ name: Name, is_default: IsDefault, rules: Rules }), {
  additionalProperties: false,
})
export type UpdateRoute = Static<typeof UpdateRoute>

export const Route = Type.Object({
  id: WireId('payment_route'),
  name: Type.String(),
  environment: Type.Union([Type.Literal('live'), Type.Literal('test')]),
  is_default: Type.Boolean(),
  rules: Type.Array(
    Type.Object({
      name: Nullable(Type.String()),
      when: Type.Record(Type.String(), Type.Unknown()),
      connection_ids: Type.Array(WireId('connection')),
      next_on: Type.Array(Type.String()),
    }),
  ),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const AllRoutes = Type.Object({ data: Type.Array(Route) })

const { connection_id: _chosen, ...asked } = CreatePayment.properties
export const PreviewRoute = Type.Object(asked, {
  additionalProperties: false,
  description: 'A payment as it would be asked for, without a connection',
})
export type PreviewRoute = Static<typeof PreviewRoute>

export const Preview = Type.Object({
  route_id: WireId('payment_route'),
  rule: Nullable(
    Type.Object(
      { index: Type.Integer(), name: Nullable(Type.String()), next_on: Type.Array(Type.String()) },
      { description: 'The rule that fits; null: none does, and such a payment is refused' },
    ),
  ),
  connections: Type.Array(
    Type.Object({
      connection_id: WireId('connection'),
      takes_it: Type.Boolean(),
      because: Nullable(Type.String({ description: 'Why it would be skipped' })),
    }),
    { description: 'In the order in which they are asked' },
  ),
})

export const toRoute = ({ rules, created_at, updated_at, ...row }: RouteRow): Static<typeof Route> => ({
  ...row,
  id: toWire('payment_route', row.id),
  rules: rules.map((rule) => ({
    ...rule,
    connection_ids: rule.connection_ids.map((id) => toWire('connection', id)),
  })),
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
})
