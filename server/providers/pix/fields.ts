import { type Auth, clientCredentials } from '../../kit/auth.ts'
import { readPixKey } from '../../kit/brazil/pix.ts'
import { certificateWhere } from '../../kit/certificate.ts'
import type { Field, Settings } from '../../kit/fields.ts'
import type { FieldError } from '../../platform/errors.ts'

/** What a PSP hands out with its API Pix: an address, a client, a certificate. */

const SCOPE =
  'cob.read cob.write cobv.read cobv.write pix.read pix.write webhook.read webhook.write payloadlocation.read payloadlocation.write'

export const CERTIFICATE = certificateWhere({
  hint: 'as the arrangement demands; off only for a sandbox',
  authority_label: "Authority of the PSP's certificate",
})

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
  {
    key: 'app_key',
    label: 'Application key',
    hint: 'where the PSP wants one beside the token: at Itaú the client id once more',
    max_length: 200,
    pattern: '[A-Za-z0-9._~-]+',
  },
  {
    key: 'app_key_header',
    label: 'Header of the application key',
    hint: 'x-itau-apikey at Itaú',
    max_length: 100,
    pattern: '[xX]-[A-Za-z0-9-]+',
  },
  {
    key: 'trace_header',
    label: 'Header of a request id',
    hint: 'x-itau-correlationid at Itaú: every request gets a UUID of its own in it',
    max_length: 100,
    pattern: '[xX]-[A-Za-z0-9-]+',
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
  ...CERTIFICATE.fields,
]

export const authOf = ({ token_url, scope, client_auth }: Settings): Auth =>
  clientCredentials(String(token_url ?? '/oauth/token'), {
    scope: String(scope ?? SCOPE),
    client_auth: client_auth === 'body' ? 'body' : 'basic',
  })

/** What some PSPs want beside the token. */
export const headersOf = ({ app_key, app_key_header }: Settings): Record<string, string> =>
  app_key && app_key_header ? { [String(app_key_header)]: String(app_key) } : {}

export const traceHeaderOf = ({ trace_header }: Settings): string | null =>
  trace_header ? String(trace_header).toLowerCase() : null

/** It goes into every charge as it is: what the DICT writes otherwise, the PSP would refuse. */
export function faultsIn({ pix_key }: Settings): FieldError[] {
  const key = readPixKey(String(pix_key ?? ''))
  if (!key.valid) return [{ field: 'settings.pix_key', reason: key.reason }]
  return key.value === pix_key
    ? []
    : [{ field: 'settings.pix_key', reason: `must be written as the DICT has it: ${key.value}` }]
}
