import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

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

/** mailchimp.com/developer/transactional/api/webhooks */
export const Hook = Type.Object({ id: WireInteger, url: Type.String(), auth_key: maybe(Type.String()) })
export type Hook = Static<typeof Hook>
export const Hooks = Type.Array(Hook)
/** Of what is deleted nothing is read. */
export const Done = Type.Unknown()

/** Whatever is wrong is a 500 with its name. mailchimp.com/developer/transactional/docs/error-glossary */
export const MandrillError = Type.Object({ name: maybe(Type.String()), message: maybe(Type.String()) })
