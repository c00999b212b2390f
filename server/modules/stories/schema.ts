import Type, { type Static } from 'typebox'
import { Nullable, Timestamp } from '../wire.ts'

/** Any id of ours, or whatever else a thing is found by. */
export const StoryParams = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 255 }) },
  { additionalProperties: false },
)

const LINKS = {
  message_id: Type.String(),
  event_id: Type.String(),
  delivery_id: Type.String(),
  call_id: Type.String(),
  batch_id: Type.String(),
  source_id: Type.String(),
  subscription_id: Type.String(),
  connection_id: Type.String(),
  parent_id: Type.String(),
  cause_id: Type.String(),
}

export const Entry = Type.Object({
  at: Timestamp,
  kind: Type.Union(
    [
      Type.Literal('refused'),
      Type.Literal('received'),
      Type.Literal('processed'),
      Type.Literal('event'),
      Type.Literal('delivery'),
      Type.Literal('attempt'),
      Type.Literal('call'),
      Type.Literal('call_attempt'),
      Type.Literal('batch'),
    ],
    {
      description:
        '`refused`: into quarantine. `received`, `processed`: of a message. `event`. `delivery`, `attempt`. `call`, `call_attempt`. `batch`',
    },
  ),
  id: Type.String({ description: 'Of the record it tells of; several entries may tell of one' }),
  state: Type.String(),
  title: Type.String(),
  detail: Nullable(Type.String({ description: 'What went wrong, or what was unusual' })),
  status: Nullable(Type.Integer()),
  duration_ms: Nullable(Type.Integer({ description: 'How long it took' })),
  waited_ms: Nullable(
    Type.Integer({
      description:
        'How long it waited before: a message for its worker or its turn, an attempt since the one before or since it was asked for',
    }),
  ),
  links: Type.Partial(Type.Object(LINKS), { description: 'Ids that lead on' }),
})
export type Entry = Static<typeof Entry>

export const Story = Type.Object({
  subject: Type.Object({
    kind: Type.String({
      description: 'message, event, delivery, call, batch, quarantine, or thing: what has the id at others',
    }),
    id: Type.String(),
    title: Type.String(),
    at: Timestamp,
    state: Type.String({ description: 'Of the record, or of the last entry where it is a thing' }),
  }),
  entries: Type.Array(Entry, { description: 'Oldest first; 500 at most' }),
  is_more: Type.Boolean({ description: 'There was more than is told' }),
})
export type Story = Static<typeof Story>
