import {
  type Destination,
  type DestinationAuth,
  readDestination,
} from '../../kit/destinations/destinations.ts'
import { Problem } from '../../platform/errors.ts'
import { certificateOf, passwordOf } from './client_certificate.ts'
import { type ReceiverAuth, SECRET, SESSION, type ShownReceiverAuth } from './receiver_auth.ts'

/** A subscription whose address is a broker's: a queue, a topic, a stream. */
export type Broker = { destination: Destination; auth: DestinationAuth | null }

/** Null where the address is one of HTTP. */
export function brokerOf(
  url: string,
  shown: ShownReceiverAuth | null,
  sealed: Record<string, string>,
  owner: string,
): Broker | null {
  const destination = readDestination(url)
  if (destination === null || typeof destination === 'string') return null
  return { destination, auth: shown && openAuth(shown, sealed, owner) }
}

/** From what is kept sealed: the same header that HTTP would be shown, or a secret. */
function openAuth(
  shown: ShownReceiverAuth,
  sealed: Record<string, string>,
  owner: string,
): DestinationAuth | null {
  const { [SECRET]: secret = '', [SESSION]: session_token, authorization = '' } = sealed
  const [, given = ''] = authorization.split(' ')
  switch (shown.type) {
    case 'basic': {
      const { username } = shown
      return { type: 'basic', username, password: fromBase64(given).slice(username.length + 1) }
    }
    case 'bearer':
      return { type: 'bearer', token: authorization.slice('Bearer '.length) }
    case 'scram':
      return { ...shown, password: secret }
    case 'aws':
      return { ...shown, secret_access_key: secret, session_token }
    case 'mtls': {
      const identity = certificateOf(sealed, owner)
      const { type, username } = shown
      return identity ? { type, identity, username, password: passwordOf(sealed) } : null
    }
    default:
      return null
  }
}

const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString()

/** The address as it is kept, or null where its scheme is no broker's; a Problem says what is wrong with it. */
export function checkBrokerUrl(text: string): string | null {
  const read = readDestination(text)
  if (typeof read !== 'string') return read?.url ?? null
  throw new Problem('invalid_request', { field: 'url', detail: `url ${read}` })
}

/** Authentication of a kind that the address has no use for would be left out in silence. */
export function checkAuthFits(url: string, auth: ShownReceiverAuth | ReceiverAuth | null): void {
  const read = readDestination(url)
  const takes: readonly string[] = read !== null && typeof read !== 'string' ? read.takes : BY_HTTP
  const is_missing = !auth && takes.every((type) => type === 'aws')
  if (auth?.type === 'mtls') refuseWithoutTls(url, auth)
  if (!is_missing && (!auth || takes.includes(auth.type))) return
  throw new Problem('invalid_request', {
    field: 'auth',
    detail: `auth for this url must be of the type ${takes.join(' or ')}`,
  })
}

const BY_TLS = /^(https|amqps|kafkas|natss|rediss):/i

function refuseWithoutTls(url: string, auth: ShownReceiverAuth | ReceiverAuth): void {
  const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })
  if (!BY_TLS.test(url))
    throw refused(
      'url',
      'url must be an address with TLS (https, amqps, kafkas, natss, rediss) for auth of the type mtls; nothing asks for a certificate without it',
    )
  if (/^https:/i.test(url) && 'username' in auth && auth.username !== undefined)
    throw refused('auth.username', 'auth.username goes with a certificate at brokers alone')
}

const BY_HTTP = ['basic', 'bearer', 'api_key', 'oauth2', 'hmac', 'mtls']
