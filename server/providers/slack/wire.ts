import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of what Slack writes: events, interactions, commands. docs.slack.dev/apis/events-api */
export const SlackEvent = Type.Object({
  type: maybe(Type.String()),
  event_id: maybe(Type.String()),
  event: maybe(Type.Object({ type: Type.String(), channel: maybe(Type.Unknown()) })),
  command: maybe(Type.String()),
})
export type SlackEvent = Static<typeof SlackEvent>
