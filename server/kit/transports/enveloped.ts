import type { Credentials, Settings } from '../fields.ts'
import type { Transport } from './transport.ts'

/**
 * Plain HTTP whose bodies hold something that only a credential can put there: sealed under a key that both sides have,
 * or with a secret among their members. It is done last before they leave and undone first when they come, so that
 * records, masking and translation see them without.
 */
export type Envelope = {
  wrap(body: string, credentials: Credentials): string
  /** Null where a reply stands as it came. */
  unwrap?(body: string, credentials: Credentials): string | null
  /** That depend on a credential, names in lower case. */
  headers?(credentials: Credentials): Record<string, string>
}

/** Null where a connection's settings say that bodies go as they are. */
export const enveloped = (envelopeOf: (settings: Settings) => Envelope | null): Transport => ({
  async send(egress, { settings, credentials }, request) {
    const envelope = envelopeOf(settings)
    if (!envelope) return egress.send(request)
    const headers = { ...request.headers, ...envelope.headers?.(credentials) }
    const body = request.body === undefined ? {} : { body: envelope.wrap(String(request.body), credentials) }
    const result = await egress.send({ ...request, headers, ...body })
    if (result.kind === 'error') return result
    const plain = envelope.unwrap?.(result.body.toString(), credentials) ?? null
    return plain === null ? result : { ...result, body: Buffer.from(plain) }
  },
})
