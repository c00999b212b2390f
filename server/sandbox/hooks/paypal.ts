import { randomUUID, sign } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { SandboxReply, SandboxRequest } from '../wire.ts'
import { selfSigned } from './certificate.ts'
import type { Made, Making } from './hooks.ts'

const CERTIFICATE = '/v1/notifications/certs/CERT-360caa42-fca2a594-sandbox'

/** PayPal's webhooks and their certificate: developer.paypal.com/api/rest/webhooks/rest. */
export function createPayPal() {
  let made: ReturnType<typeof selfSigned>[] | null = null
  // Both made when first asked for: an RSA key takes its time.
  const issued = () => {
    made ??= [0, 1].map(() => selfSigned('messageverificationcerts.sandbox.paypal.com'))
    return made as [ReturnType<typeof selfSigned>, ReturnType<typeof selfSigned>]
  }

  function make(order: Making, n: number, at_s: number): Made {
    const { forged, webhook_id = '', type = 'PAYMENT.CAPTURE.COMPLETED', payload, keys_at } = order
    const time = new Date(at_s * 1000).toISOString().replace('.000', '')
    const resource = {
      id: `CAPTURE-${n}`,
      status: 'COMPLETED',
      amount: { currency_code: 'BRL', value: '150.50' },
    }
    const body = JSON.stringify({
      id: `WH-${randomUUID().slice(0, 18).toUpperCase()}`,
      create_time: time,
      resource_type: 'capture',
      event_type: type,
      resource: payload ?? resource,
      event_version: '1.0',
    })
    const id = randomUUID()
    const signed = Buffer.from(`${id}|${time}|${webhook_id}|${crc32(body)}`)
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'paypal-transmission-id': id,
        'paypal-transmission-time': time,
        'paypal-transmission-sig': sign('sha256', signed, issued()[forged ? 1 : 0].key).toString('base64'),
        'paypal-auth-algo': 'SHA256withRSA',
        'paypal-cert-url': keys_at + CERTIFICATE,
      },
    }
  }

  function answer({ method, path }: SandboxRequest): SandboxReply | null {
    if (method !== 'GET' || path !== CERTIFICATE) return null
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: issued()[0].pem }
  }

  return { make, answer }
}
