import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** What we read of the events in the field `mandrill_events`. mailchimp.com/developer/transactional/docs/webhooks */
const Item = Type.Object({
  /** `send`, `open`, `hard_bounce` …; absent where `type` says `blacklist` or `whitelist`. */
  event: maybe(Type.String()),
  type: maybe(Type.String()),
  _id: maybe(Type.String()),
  ts: maybe(Type.Integer()),
})
export const MandrillEvents = Type.Array(Item)
export type MandrillEvents = Static<typeof MandrillEvents>
