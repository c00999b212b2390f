import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { RuleRow } from './rule_queries.ts'
import { Conditions } from './rules.ts'

const closed = { additionalProperties: false } as const
const Action = Type.Union([Type.Literal('approve'), Type.Literal('decline')])
const State = Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])
const FIELDS = {
  name: Type.String({ minLength: 1, maxLength: 100, examples: ['No casinos'] }),
  position: Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'The lowest is asked first' }),
  action: Action,
  conditions: Conditions,
}
const UpTo = Type.Object(
  {
    amount: Type.String({ pattern: '^[1-9][0-9]{0,14}$', examples: ['15000'] }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', examples: ['BRL'] }),
  },
  {
    ...closed,
    description:
      'Of a rule that approves, for cards in that currency: no more than this at once, in minor units. Of more, this much is approved where the merchant takes a part, and nothing where it does not',
  },
)

export const CreateRule = Type.Object(
  { ...FIELDS, up_to: Type.Optional(Nullable(UpTo)), state: Type.Optional(State) },
  closed,
)
export type CreateRule = Static<typeof CreateRule>
export const UpdateRule = Type.Partial(Type.Object({ ...FIELDS, up_to: Nullable(UpTo), state: State }), {
  ...closed,
  minProperties: 1,
})
export type UpdateRule = Static<typeof UpdateRule>

export const Rule = Type.Object({
  id: WireId('card_rule'),
  environment: Type.Union([Type.Literal('live'), Type.Literal('test')]),
  ...FIELDS,
  up_to: Nullable(UpTo),
  state: State,
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const Rules = Type.Object({ data: Type.Array(Rule) })

export const toRule = ({ id, updated_at, ...row }: RuleRow): Static<typeof Rule> => ({
  ...row,
  id: toWire('card_rule', id),
  created_at: timeOfId(id).toISOString(),
  updated_at: updated_at.toISOString(),
})
