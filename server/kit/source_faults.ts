import type { FieldError } from '../platform/errors.ts'
import { checkFields, type Settings, withDefaults } from './fields.ts'
import { type Provider, perSettings } from './provider.ts'
import { jwtKeys, type SignatureScheme, usesSecrets } from './signatures.ts'
import { bytesKey, isWebhookSecret, standardKey } from './webhook_keys.ts'

/** What is wrong with a source's settings and signing secrets. Empty when fit. */
export function checkSource(provider: Provider, settings: unknown, secrets: readonly string[]): FieldError[] {
  const webhooks = provider.webhooks
  if (!webhooks) return [{ field: 'provider', reason: `${provider.id} sends no webhooks` }]
  const known =
    typeof settings === 'object' && settings !== null
      ? withDefaults(webhooks.fields, settings as Settings)
      : {}
  const errors = checkFields('settings', webhooks.fields, settings, known)
  return errors.length > 0 ? errors : checkSecrets(perSettings(webhooks.signature, known), secrets)
}

/**
 * A token that names neither who gave it nor for whom proves only by whose key it was signed: one that its signer gave
 * anybody else would be taken. Asked as settings are set, not of a source that has them.
 */
export function unboundFault({ webhooks }: Provider, settings: Settings): FieldError[] {
  if (!webhooks?.fields.some(({ key }) => key === 'audience')) return []
  const scheme = perSettings(webhooks.signature, withDefaults(webhooks.fields, settings))
  if (scheme.kind !== 'jwt' || scheme.issuer !== null || scheme.audience !== null) return []
  const reason =
    'is needed where there is no issuer: else a token that its signer gave anybody else is taken; set one of them, better both'
  return [{ field: 'settings.audience', reason }]
}

function checkSecrets(scheme: SignatureScheme, secrets: readonly string[]): FieldError[] {
  if (!usesSecrets(scheme)) {
    const because = scheme.kind === 'none' ? 'by an unsigned source' : 'where the sender publishes its keys'
    return secrets.length === 0
      ? []
      : [{ field: 'secrets', reason: `are not used ${because}; leave them out` }]
  }
  if (!secrets.some((secret) => secret.trim() !== '')) {
    return [{ field: 'secrets', reason: 'need at least one: the signing secret that the sender shows' }]
  }
  if (scheme.kind === 'token' && scheme.encoding === 'base64') {
    const at = secrets.findIndex((secret) => !secret.includes(':'))
    return at < 0 ? [] : [{ field: `secrets.${at}`, reason: 'must be a user and a password: user:password' }]
  }
  if (scheme.kind === 'hmac' && scheme.secret_encoding !== 'utf8') {
    const { secret_encoding } = scheme
    const at = secrets.findIndex((secret) => bytesKey(secret, secret_encoding) === null)
    return at < 0
      ? []
      : [
          {
            field: `secrets.${at}`,
            reason: `is not all ${secret_encoding}; leave out what stands between, or say another secret_encoding`,
          },
        ]
  }
  if (scheme.kind === 'jwt') {
    const at = secrets.findIndex((secret) => jwtKeys(secret) === null)
    return at < 0
      ? []
      : [{ field: `secrets.${at}`, reason: 'is neither a shared secret, PEM, JWK nor JWK Set' }]
  }
  if (scheme.kind !== 'standard_webhooks') return []
  return secrets.flatMap((secret, at) => {
    const fit = standardKey(secret) !== null && (!secret.startsWith('whsec_') || isWebhookSecret(secret))
    return fit
      ? []
      : [
          {
            field: `secrets.${at}`,
            reason: 'must be whsec_ and 24 to 64 bytes of base64, or whpk_ and a public key',
          },
        ]
  })
}
