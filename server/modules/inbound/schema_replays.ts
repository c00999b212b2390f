import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import { REPLAY, replayOf } from '../replays/replays.ts'
import { Nullable, Page, Timestamp, WireId } from '../wire.ts'
import type { MessageReplayRow } from './replay_queries.ts'

const States = Type.Array(
  Type.Union([Type.Literal('failed'), Type.Literal('ignored'), Type.Literal('parked')]),
  { minItems: 1, uniqueItems: true, description: 'failed and parked, unless said otherwise' },
)

export const CreateMessageReplay = Type.Object(
  {
    since: Timestamp,
    until: Type.Optional(Timestamp),
    source_id: Type.Optional(Type.String()),
    event_type: Type.Optional(Type.String({ description: "The vendor's word", maxLength: 255 })),
    states: Type.Optional(States),
    per_second: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: 'No more than so many' }),
    ),
    dry_run: Type.Optional(Type.Boolean({ description: 'Only count' })),
  },
  { additionalProperties: false },
)
export type CreateMessageReplay = Static<typeof CreateMessageReplay>

export const MessageReplay = Type.Object({
  id: WireId('inbox_replay'),
  source_id: Nullable(WireId('source')),
  event_type: Nullable(Type.String()),
  states: Type.Array(Type.String()),
  ...REPLAY,
})
export const MessageReplays = Page(MessageReplay)

export const toReplay = (row: MessageReplayRow) => ({
  ...replayOf('inbox_replay', row),
  source_id: row.source_id ? toWire('source', row.source_id) : null,
  event_type: row.event_type,
  states: row.states,
})
