import type { Credentials, Settings } from '../fields.ts'
import type { Transport } from './transport.ts'

/**
 * Plain HTTP whose bodies the vendor wants sealed under a key that both sides have. It is done last before they leave
 * and first when they come, so that records, masking and translation see the plain ones.
 */
export type Envelope = {
  seal(body: string, credentials: Credentials): string
  /** Null where the reply is not sealed, or not under this key: then it is taken as it came. */
  open(body: string, credentials: Credentials): string | null
  /** That depend on a credential, names in lower case. */
  headers?(credentials: Credentials): Record<string, string>
}

/** Null where a connection's settings say that nothing is sealed. */
export const sealedBodies = (envelopeOf: (settings: Settings) => Envelope | null): Transport => ({
  async send(egress, { settings, credentials }, request) {
    const envelope = envelopeOf(settings)
    if (!envelope) return egress.send(request)
    const headers = { ...request.headers, ...envelope.headers?.(credentials) }
    const body = request.body === undefined ? {} : { body: envelope.seal(String(request.body), credentials) }
    const result = await egress.send({ ...request, headers, ...body })
    if (result.kind === 'error') return result
    const opened = envelope.open(result.body.toString(), credentials)
    return opened === null ? result : { ...result, body: Buffer.from(opened) }
  },
})
