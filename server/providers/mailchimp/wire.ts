import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields of the form, named as Mailchimp names them. mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks */
export const MailchimpEvent = Type.Object({
  /** `subscribe`, `unsubscribe`, `profile`, `cleaned`, `upemail`, `campaign`. */
  type: Type.String({ minLength: 1 }),
  'data[id]': maybe(Type.String()),
})
export type MailchimpEvent = Static<typeof MailchimpEvent>

/** mailchimp.com/developer/marketing/api/list-webhooks */
export const Hook = Type.Object({ id: Type.String({ minLength: 1 }), url: Type.String() })
export type Hook = Static<typeof Hook>
export const Hooks = Type.Object({ webhooks: Type.Array(Hook) })
/** Of a DELETE, which answers nothing. */
export const Done = Type.Unknown()
