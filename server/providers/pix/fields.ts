import type { Identity } from '../../kit/auth/keys.ts'
import { type Auth, clientCredentials } from '../../kit/auth.ts'
import { readPixKey } from '../../kit/brazil/pix.ts'
import type { Field, Settings } from '../../kit/fields.ts'
import type { FieldError } from '../../platform/errors.ts'

/** What a PSP hands out with its API Pix: an address, a client, a certificate. */

const MTLS = { mtls: 'true' }
const SCOPE =
  'cob.read cob.write cobv.read cobv.write pix.read pix.write webhook.read webhook.write payloadlocation.read payloadlocation.write'

export const FIELDS: Field[] = [
  {
    key: 'base_url',
    label: 'Address of the API',
    hint: 'as the PSP tells it, with its version',
    type: 'url',
    required: true,
    example: 'https://pix.example.com/api/v2',
  },
  {
    key: 'token_url',
    label: 'Token URL',
    hint: 'absolute, or a path below the address of the API',
    required: true,
    pattern: 'https?://\\S+|/\\S*',
    example: 'https://pix.example.com/oauth/token',
  },
  {
    key: 'pix_key',
    label: 'Key that receives',
    hint: 'a Pix key of the account: CPF, CNPJ, +55 and the mobile number, e-mail or random key, as the DICT has it',
    required: true,
    max_length: 77,
    example: '7d9f0335-8dcc-4054-9bf9-0dbd61d36906',
  },
  { key: 'client_id', label: 'Client id', secret: true, required: true },
  { key: 'client_secret', label: 'Client secret', secret: true, required: true },
  {
    key: 'client_auth',
    label: 'How the client shows itself',
    hint: 'in a Basic header, or in the body',
    enum: ['basic', 'body'],
    default: 'basic',
  },
  { key: 'scope', label: 'Scope', hint: 'what the PSP granted, separated by spaces', default: SCOPE },
  {
    key: 'expires_in_s',
    label: 'How long a charge can be paid, in seconds',
    hint: 'where a payment does not say',
    type: 'integer',
    minimum: 60,
    maximum: 31_536_000,
    default: 86_400,
  },
  {
    key: 'mtls',
    label: 'Show a certificate',
    hint: 'as the arrangement demands; off only for a sandbox',
    type: 'boolean',
    default: true,
  },
  ...[
    { key: 'certificate', label: 'Certificate', hint: 'in PEM, with those between it and its authority' },
    { key: 'certificate_key', label: 'Private key of the certificate', hint: 'in PEM' },
  ].map((of) => ({ ...of, secret: true, required: true, multiline: true, when: MTLS })),
  { key: 'certificate_passphrase', label: 'Passphrase of that key', secret: true, when: MTLS },
  {
    key: 'certificate_authority',
    label: "Authority of the PSP's certificate",
    hint: 'in PEM; the public ones where empty',
    secret: true,
    multiline: true,
    when: MTLS,
  },
]

export const authOf = ({ token_url, scope, client_auth }: Settings): Auth =>
  clientCredentials(String(token_url ?? '/oauth/token'), {
    scope: String(scope ?? SCOPE),
    client_auth: client_auth === 'body' ? 'body' : 'basic',
  })

export const identityOf = ({ mtls }: Settings): Identity | null =>
  mtls === false
    ? null
    : {
        certificate: 'certificate',
        key: 'certificate_key',
        passphrase: 'certificate_passphrase',
        authority: 'certificate_authority',
      }

/** It goes into every charge as it is: what the DICT writes otherwise, the PSP would refuse. */
export function faultsIn({ pix_key }: Settings): FieldError[] {
  const key = readPixKey(String(pix_key ?? ''))
  if (!key.valid) return [{ field: 'settings.pix_key', reason: key.reason }]
  return key.value === pix_key
    ? []
    : [{ field: 'settings.pix_key', reason: `must be written as the DICT has it: ${key.value}` }]
}
