import { createHmac, randomBytes } from 'node:crypto'
import { json, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import type { Made, Making } from './hooks.ts'

/**
 * Twilio's messages, signed over the address and the sorted parameters (twilio.com/docs/usage/security), and the numbers
 * whose address is set: any number asked for is there, at first with the address of Twilio's own demonstration.
 * twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
 */
export function createTwilio() {
  const addresses = new Map<string, string>()

  function answer({ method, path, headers, body }: SandboxRequest): SandboxReply | null {
    const [, account, sid] = NUMBER.exec(path) ?? []
    if (account === undefined || sid === undefined) return null
    if (headers.authorization?.startsWith('Basic ') !== true) return UNAUTHENTICATED
    const told = new URLSearchParams(body.toString()).get('SmsUrl')
    if (method === 'POST' && told !== null) remember(addresses, sid, told, MOST)
    return json(200, {
      sid,
      account_sid: account,
      phone_number: '+5511987654321',
      sms_url: addresses.get(sid) ?? 'https://demo.twilio.com/welcome/sms/reply',
      sms_method: 'POST',
    })
  }
  return { make: makeTwilio, answer }
}

const NUMBER = /^\/2010-04-01\/Accounts\/(AC[0-9a-f]{32})\/IncomingPhoneNumbers\/(PN[0-9a-f]{32})\.json$/
const MOST = 1_000
const UNAUTHENTICATED = json(401, { code: 20003, message: 'Authenticate', status: 401 })

function makeTwilio({ url, secret, type = 'received', payload }: Making, n: number): Made {
  const sid = `SM${randomBytes(16).toString('hex')}`
  const about = { MessageSid: sid, SmsStatus: type, From: '+5511987654321', Body: `Pedido ${n}` }
  const fields = Object.entries(payload ?? about)
    .map(([name, value]): [string, string] => [name, String(value)])
    .sort(([one], [other]) => (one < other ? -1 : 1))
  const signed = url + fields.flat().join('')
  return {
    body: new URLSearchParams(fields).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'TwilioProxy/1.1',
      'x-twilio-signature': createHmac('sha1', secret).update(signed).digest('base64'),
    },
  }
}
