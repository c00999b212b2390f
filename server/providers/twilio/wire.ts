import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** A CloudEvent of Event Streams. twilio.com/docs/events/webhook-quickstart */
const CloudEvent = Type.Object({ id: Type.String(), type: Type.String() })

/** The parameters we read of the forms. twilio.com/docs/messaging/guides/webhook-request */
const Parameters = Type.Object({
  MessageSid: maybe(Type.String()),
  MessageStatus: maybe(Type.String()),
  SmsStatus: maybe(Type.String()),
  RecordingSid: maybe(Type.String()),
  RecordingStatus: maybe(Type.String()),
  CallSid: maybe(Type.String()),
  CallStatus: maybe(Type.String()),
})
export type Parameters = Static<typeof Parameters>

export const TwilioEvent = Type.Union([Type.Array(CloudEvent), Parameters])
export type TwilioEvent = Static<typeof TwilioEvent>

/** twilio.com/docs/phone-numbers/api/incomingphonenumber-resource */
export const PhoneNumber = Type.Object({ sid: Type.String({ minLength: 1 }), sms_url: maybe(Type.String()) })
export type PhoneNumber = Static<typeof PhoneNumber>
