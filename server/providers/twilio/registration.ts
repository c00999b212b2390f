import { get, operation, path, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { PhoneNumber } from './wire.ts'

function numberOf({ target }: Registering): string {
  const { account_sid = '', phone_number_sid = '' } = target
  return path`/2010-04-01/Accounts/${account_sid}/IncomingPhoneNumbers/${phone_number_sid}.json`
}

/** What a number has that was just bought, which is nobody's. */
const DEMO = 'https://demo.twilio.com/'

const toRegistered = ({ sid, sms_url }: PhoneNumber): Registered => ({ vendor_id: sid, url: sms_url ?? '' })

const tell = (asked: Registering) => post(numberOf(asked), { SmsUrl: asked.url, SmsMethod: 'POST' })

/**
 * twilio.com/docs/phone-numbers/api/incomingphonenumber-resource: where the messages go that come to a number. It has one
 * address. What signs is the auth token of the account, which is set at the source by hand.
 */
export const registration: Registration = {
  fields: [
    {
      key: 'account_sid',
      label: 'Account that owns the number',
      hint: 'the connection’s own, or a subaccount of it',
      required: true,
      pattern: 'AC[0-9a-f]{32}',
      example: 'AC and 32 hex digits',
    },
    {
      key: 'phone_number_sid',
      label: 'Phone number',
      hint: 'its SID: Console, Phone Numbers, Active numbers',
      required: true,
      pattern: 'PN[0-9a-f]{32}',
      example: 'PN and 32 hex digits',
    },
  ],
  secret: 'theirs',
  find: operation({
    input: Registering,
    request: (asked) => get(numberOf(asked)),
    reads: PhoneNumber,
    translate: (number) => {
      const { sms_url } = number
      return sms_url && !sms_url.startsWith(DEMO) ? toRegistered(number) : null
    },
  }),
  register: operation({ input: Registering, request: tell, reads: PhoneNumber, translate: toRegistered }),
  change: operation({ input: Registering, request: tell, reads: PhoneNumber, translate: toRegistered }),
  unregister: operation({
    input: Registering,
    request: (asked) => post(numberOf(asked), { SmsUrl: '' }),
    reads: PhoneNumber,
    translate: () => ({ done: true }),
  }),
}
