import Type from 'typebox'
import type { EventType } from './catalog.ts'

/** The types of events about alerts. */

const nullable = (type: ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>) =>
  Type.Union([type, Type.Null()])

const AlertTold = Type.Object({
  alert_id: Type.String({ description: 'GET /v1/alerts/{id}' }),
  rule_id: Type.String(),
  kind: Type.String({ description: 'What is watched, such as success_rate' }),
  severity: Type.String({ description: 'info, warning or critical' }),
  subject: Type.Union([Type.String(), Type.Null()], {
    description: 'The id of what it is about; null: the tenant as a whole',
  }),
  subject_name: nullable(Type.String()),
  value: Type.Number({ description: 'As last measured' }),
  threshold: nullable(Type.Number()),
  minutes: nullable(Type.Number()),
  note: nullable(Type.String()),
  text: Type.String({ description: 'The same in a sentence' }),
  fired_at: Type.String(),
  resolved_at: nullable(Type.String()),
})

const ALERT = {
  alert_id: 'alr_01jz8k3v9mf2tb7xq4c5n6p8rs',
  rule_id: 'arl_01jz8k3v9mf2tb7xq4c5n6p8rs',
  kind: 'success_rate',
  severity: 'warning',
  subject: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
  subject_name: 'Stripe',
  value: 71.4,
  threshold: 95,
  minutes: 15,
  note: null,
  text: 'Stripe: 71.4 % of its calls succeeded in 15 min, fewer than 95 %',
  fired_at: '2026-11-22T12:30:00.000Z',
  resolved_at: null,
}

export const ALERT_TYPES: readonly EventType[] = [
  {
    name: 'alert.fired',
    description: 'What a rule of yours watches is out of line; told once, until it is in line again',
    schema: AlertTold,
    example: ALERT,
  },
  {
    name: 'alert.resolved',
    description: 'It is in line again',
    schema: AlertTold,
    example: {
      ...ALERT,
      text: 'Resolved: Stripe: 71.4 % of its calls succeeded in 15 min, fewer than 95 %',
      resolved_at: '2026-11-22T12:41:00.000Z',
    },
  },
]
