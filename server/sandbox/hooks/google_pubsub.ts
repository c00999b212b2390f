import { generateKeyPairSync, sign } from 'node:crypto'
import { json, type SandboxReply, type SandboxRequest } from '../wire.ts'
import type { Made, Making } from './hooks.ts'

/** Push subscriptions with OpenID Connect: cloud.google.com/pubsub/docs/authenticate-push-subscriptions. */
export function createPubsub() {
  let made: ReturnType<typeof pair>[] | null = null
  const pairs = () => {
    made ??= [pair(), pair()]
    return made as [ReturnType<typeof pair>, ReturnType<typeof pair>]
  }

  function make(order: Making, n: number, at_s: number): Made {
    const { audience = order.url, service_account = 'push@sandbox.iam.gserviceaccount.com', payload } = order
    const message = {
      data: Buffer.from(JSON.stringify(payload ?? { order: n })).toString('base64'),
      messageId: `${at_s}${String(n).padStart(6, '0')}${Math.floor(Math.random() * 1e6)}`,
      publishTime: new Date(at_s * 1000).toISOString(),
      ...(order.type && { attributes: { eventType: order.type } }),
    }
    const body = JSON.stringify({ message, subscription: 'projects/sandbox/subscriptions/push' })
    const claims = {
      aud: audience,
      azp: '113774264463038321964',
      email: service_account,
      email_verified: true,
      exp: at_s + 3600,
      iat: at_s,
      iss: 'https://accounts.google.com',
      sub: '113774264463038321964',
    }
    const signed = `${part({ alg: 'RS256', kid: KID, typ: 'JWT' })}.${part(claims)}`
    const signature = sign('sha256', Buffer.from(signed), pairs()[order.forged ? 1 : 0].privateKey)
    const authorization = `Bearer ${signed}.${signature.toString('base64url')}`
    return { body, headers: { 'content-type': 'application/json', authorization } }
  }

  function answer({ method, path }: SandboxRequest): SandboxReply | null {
    if (method !== 'GET' || path !== '/oauth2/v3/certs') return null
    const key = pairs()[0].publicKey.export({ format: 'jwk' })
    return json(200, { keys: [{ ...key, kid: KID, alg: 'RS256', use: 'sig' }] })
  }

  return { make, answer }
}

const KID = 'dd125d5f462fbc6014aedab81ddf3bcedab70847'
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
