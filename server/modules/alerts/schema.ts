import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { ALL_KINDS, type AlertKind } from './kinds.ts'
import type { AlertRow, RuleRow } from './queries.ts'
import { textOf } from './words.ts'

const Kind = Type.Unsafe<AlertKind>(
  Type.Union(
    ALL_KINDS.map((kind) => Type.Literal(kind)),
    { description: 'What is watched; docs/alerts.md says what each one measures' },
  ),
)
const Severity = Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('critical')])
const Threshold = Type.Number({
  minimum: 0,
  maximum: 1_000_000,
  description: 'In the unit of the kind: percent, ms, minutes, days or how many',
})
const Minutes = Type.Integer({
  minimum: 0,
  maximum: 1440,
  description: 'How far is looked back, or for how long it has to last, as the kind has it',
})
const LeastCalls = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'Fewer calls than these say nothing',
})
const Name = Nullable(Type.String({ minLength: 1, maxLength: 100 }))

const CHANGEABLE = {
  name: Name,
  severity: Severity,
  threshold: Threshold,
  minutes: Minutes,
  least_calls: LeastCalls,
  enabled: Type.Boolean(),
}

export const CreateRule = Type.Object(
  {
    kind: Kind,
    connection_id: Type.Optional(WireId('connection')),
    ...Type.Partial(Type.Object(CHANGEABLE)).properties,
  },
  {
    additionalProperties: false,
    examples: [{ kind: 'success_rate', threshold: 80, minutes: 30, severity: 'critical' }],
  },
)
export type CreateRule = Static<typeof CreateRule>

export const UpdateRule = Type.Partial(Type.Object(CHANGEABLE), {
  additionalProperties: false,
  minProperties: 1,
})
export type UpdateRule = Static<typeof UpdateRule>

export const Rule = Type.Object({
  id: WireId('alert_rule'),
  kind: Kind,
  name: Name,
  connection_id: Nullable(WireId('connection')),
  severity: Severity,
  threshold: Nullable(Type.Number()),
  minutes: Nullable(Type.Integer()),
  least_calls: Nullable(Type.Integer()),
  enabled: Type.Boolean(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const Rules = Type.Object({ data: Type.Array(Rule) })

const State = Type.Union([Type.Literal('firing'), Type.Literal('acknowledged'), Type.Literal('resolved')])

export const AlertQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(
      Type.Union([Type.Literal('open'), ...State.anyOf], { description: 'open: firing or acknowledged' }),
    ),
  },
  { additionalProperties: false },
)
export type AlertQuery = Static<typeof AlertQuery>

export const Mute = Type.Object(
  {
    minutes: Type.Integer({
      minimum: 0,
      maximum: 43_200,
      description:
        'For so long nobody is told of this rule and subject, also where it fires anew; 0: from now on again',
    }),
  },
  { additionalProperties: false },
)
export type Mute = Static<typeof Mute>

export const Alert = Type.Object({
  id: WireId('alert'),
  rule_id: WireId('alert_rule'),
  kind: Kind,
  severity: Severity,
  state: State,
  subject: Nullable(
    Type.String({ description: 'The id of a connection, subscription or key, or inbound or outbound' }),
  ),
  subject_name: Nullable(Type.String()),
  value: Type.Number({ description: 'As last measured' }),
  threshold: Nullable(Type.Number()),
  minutes: Nullable(Type.Integer()),
  note: Nullable(Type.String()),
  text: Type.String({ description: 'The same in a sentence' }),
  fired_at: Timestamp,
  acknowledged_at: Nullable(Timestamp),
  acknowledged_by: Nullable(Type.String()),
  muted_until: Nullable(Timestamp),
  resolved_at: Nullable(Timestamp),
})
export const Alerts = Page(Alert)

const time = (at: Date | null) => at?.toISOString() ?? null

export const toAlert = (row: AlertRow): Static<typeof Alert> => ({
  ...row,
  id: toWire('alert', row.id),
  rule_id: toWire('alert_rule', row.rule_id),
  subject: row.subject || null,
  text: textOf(row),
  fired_at: timeOfId(row.id).toISOString(),
  acknowledged_at: time(row.acknowledged_at),
  muted_until: time(row.muted_until),
  resolved_at: time(row.resolved_at),
})

export const toRule = ({ tenant_id: _, ...row }: RuleRow): Static<typeof Rule> => ({
  ...row,
  id: toWire('alert_rule', row.id),
  connection_id: row.connection_id && toWire('connection', row.connection_id),
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})
