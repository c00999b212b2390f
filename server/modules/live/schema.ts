import Type, { type Static } from 'typebox'

export const KINDS = ['call', 'message', 'event', 'delivery', 'breaker', 'health'] as const
export type Kind = (typeof KINDS)[number]

export const LiveQuery = Type.Object(
  {
    kinds: Type.Optional(
      Type.String({
        pattern: `^(${KINDS.join('|')})(,(${KINDS.join('|')})){0,9}$`,
        description: 'Those alone, with commas between; all where absent',
        examples: ['call,delivery'],
      }),
    ),
    after: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'Tells first what happened since then, five minutes back at most; as Last-Event-ID',
      }),
    ),
  },
  { additionalProperties: false },
)
export type LiveQuery = Static<typeof LiveQuery>

/** The data of each server-sent event; its name is the kind. Ids are those of the wire. */
export type Happening = {
  kind: Kind
  /** Of the call, message, event or delivery; of a breaker and of health that of their event. */
  id: string
  /** RFC 3339, when it was so. */
  at: string
  state: string
  /** Operation or method of a call; type of an event or a message. */
  type: string | null
  connection_id: string | null
  source_id: string | null
  subscription_id: string | null
  /** Which one of its delivery. */
  attempt: number | null
  status: number | null
  duration_ms: number | null
}
