import type { Identity } from '../../kit/auth/keys.ts'
import { type Auth, authorizationCode } from '../../kit/auth.ts'
import type { Field, Settings } from '../../kit/fields.ts'

/** What a connection to one bank has: where the bank is, and the keys that the directory knows us by. */
export const FIELDS: readonly Field[] = [
  {
    key: 'issuer',
    label: 'Authorization server',
    hint: 'OpenIDDiscoveryDocument in the directory; /.well-known/openid-configuration may be left out',
    type: 'url',
    required: true,
    example: 'https://auth.bank.example',
  },
  {
    key: 'base_url',
    label: 'Address of the APIs',
    hint: 'what the ApiEndpoints of the directory have in common, up to /open-banking',
    type: 'url',
    required: true,
    example: 'https://matls-api.bank.example/open-banking',
  },
  {
    key: 'mtls_aliases',
    label: 'Ask tokens at mtls_endpoint_aliases',
    hint: 'banks differ: set it where the token endpoint says that it sees no certificate',
    type: 'boolean',
    default: false,
  },
  {
    key: 'response',
    label: 'How the bank answers a visit',
    hint: 'code id_token is the profile of Open Finance Brasil; jwt (JARM) and code where the bank offers them',
    enum: ['code id_token', 'jwt', 'code'],
    default: 'code id_token',
  },
  {
    key: 'acr',
    label: 'How sure the bank has to be of the person',
    hint: 'any of these, with spaces between',
    default: 'urn:brasil:openbanking:loa2 urn:brasil:openbanking:loa3',
  },
  {
    key: 'scope',
    label: 'Scope',
    hint: 'of a consent, without the consent itself; what the client is registered for at this bank',
    default: 'openid accounts credit-cards-accounts resources',
  },
  {
    key: 'encrypted_id_token',
    label: 'ID tokens are encrypted',
    hint: 'as the profile demands; false for a bank that does not',
    type: 'boolean',
    default: true,
  },
  {
    key: 'signing_key_id',
    label: 'Key id (kid) of the signing key',
    hint: 'as the directory has it',
    required: true,
    max_length: 255,
  },
  { key: 'organisation_id', label: 'Our organisation in the directory', max_length: 40 },
  { key: 'client_id', label: 'Client id at this bank', secret: true, required: true },
  pem('signing_key', 'Signing key', 'RSA, in PEM: signs with PS256'),
  {
    ...pem('encryption_key', 'Encryption key', 'RSA, in PEM: opens ID tokens'),
    when: { encrypted_id_token: 'true' },
  },
  pem('certificate', 'Transport certificate', 'BRCAC, in PEM'),
  pem('certificate_key', 'Key of the transport certificate', 'in PEM'),
  {
    ...pem(
      'certificate_authority',
      'Authority of the bank',
      'only where it is no public one: the ICP-Brasil chain',
    ),
    required: false,
  },
]

function pem(key: string, label: string, hint: string): Field {
  return { key, label, hint, secret: true, required: true, multiline: true, max_length: 20_000 }
}

export const authOf = (settings: Settings): Auth =>
  authorizationCode(
    { authorize_url: '', token_url: '' }, // the server names its own
    {
      client_id: 'client_id',
      client_auth: 'private_key_jwt',
      signer: {
        private_key: 'signing_key',
        algorithm: 'PS256',
        key_id: String(settings['signing_key_id'] ?? ''),
        issuer: null,
        audience: null,
      },
      scope: String(settings['scope'] ?? ''),
      fapi: {
        issuer: String(settings['issuer'] ?? '').replace(/\/\.well-known\/openid-configuration$/, ''),
        mtls_aliases: settings['mtls_aliases'] === true,
        response: RESPONSES.find((one) => one === settings['response']) ?? 'code id_token',
        encryption_key: settings['encrypted_id_token'] === false ? null : 'encryption_key',
        acr: String(settings['acr'] ?? '')
          .split(' ')
          .filter(Boolean),
        client_scope: 'consents',
      },
    },
  )

const RESPONSES = ['code id_token', 'jwt', 'code'] as const

export const IDENTITY: Identity = {
  certificate: 'certificate',
  key: 'certificate_key',
  passphrase: null,
  authority: 'certificate_authority',
}
