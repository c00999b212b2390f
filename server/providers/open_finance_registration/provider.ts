import Type, { type Static } from 'typebox'
import { bearer } from '../../kit/auth.ts'
import type { Settings } from '../../kit/fields.ts'
import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { defineProvider, get, operation, post, put } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import { ErrorBody, Registered } from './wire.ts'

/**
 * Dynamic registration of a client at a bank of Open Finance Brasil (RFC 7591 and 7592 in its profile): a connection is one
 * registration at one bank, and what it gives, the client id, goes to the connections of `open_finance` at that bank.
 */
const closed = { additionalProperties: false }
const Url = Type.String({
  maxLength: 500,
  pattern: '^https?://\\S+$',
  examples: ['https://app.example.com/oauth/callback'],
})

const Client = {
  software_statement: Type.String({
    minLength: 1,
    maxLength: 20_000,
    description: 'Signed by the directory, five minutes old at most (SSA)',
  }),
  redirect_uris: Type.Array(Url, {
    minItems: 1,
    maxItems: 10,
    description: 'Some of those of the statement',
  }),
  jwks_uri: Url,
  client_name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  application_type: Type.Optional(Type.Union([Type.Literal('web'), Type.Literal('native')])),
  scope: Type.Optional(
    Type.String({ maxLength: 500, description: 'What the bank grants by the roles where absent' }),
  ),
  encrypted_id_token: Type.Optional(Type.Boolean({ description: 'As the profile demands, unless false' })),
}
const Register = Type.Object(Client, closed)
const Update = Type.Object({ client_id: Type.String({ minLength: 1, maxLength: 500 }), ...Client }, closed)

/** As the profile has it for a client that authenticates by PS256 and shows its certificate. */
function metadata({
  encrypted_id_token = true,
  application_type = 'web',
  ...given
}: Static<typeof Register> & { client_id?: string }) {
  return {
    ...given,
    application_type,
    response_types: ['code id_token'],
    grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    id_token_signed_response_alg: 'PS256',
    request_object_signing_alg: 'PS256',
    ...(encrypted_id_token && {
      id_token_encrypted_response_alg: 'RSA-OAEP',
      id_token_encrypted_response_enc: 'A256GCM',
    }),
    tls_client_certificate_bound_access_tokens: true,
  }
}

/** A bank may give another access token with each answer, which takes the place of the one before. */
const toClient = ({ client_id, registration_access_token, registration_client_uri, scope }: Registered) => ({
  client_id,
  registration_access_token: registration_access_token ?? null,
  registration_client_uri: registration_client_uri ?? null,
  scope: scope ?? null,
})

const clientPath = ({ client_path }: Settings): string => String(client_path ?? '/')
const registrationPath = ({ registration_path }: Settings): string => String(registration_path ?? '/')

const IS_REGISTERED = { registered: 'true' }
const PATH = '/[A-Za-z0-9._~/%-]*'

export const openFinanceRegistration = defineProvider({
  id: 'open_finance_registration',
  name: 'Open Finance Brasil: registration at a bank',
  category: 'banking',
  docs: 'https://openfinancebrasil.atlassian.net/wiki/spaces/OF',
  fields: [
    {
      key: 'base_url',
      label: 'Address of the authorization server',
      hint: 'of its registration_endpoint, without the path; the one that asks for certificates',
      type: 'url',
      required: true,
      example: 'https://matls-auth.bank.example',
    },
    {
      key: 'registration_path',
      label: 'Path of the registration_endpoint',
      required: true,
      pattern: PATH,
      max_length: 500,
      example: '/register',
    },
    {
      key: 'registered',
      label: 'Registered',
      hint: 'once register_client has answered',
      type: 'boolean',
      default: false,
    },
    {
      key: 'client_path',
      label: 'Path of the registration_client_uri',
      required: true,
      pattern: PATH,
      max_length: 500,
      example: '/register/a-client',
      when: IS_REGISTERED,
    },
    {
      key: 'registration_access_token',
      label: 'Registration access token',
      hint: 'as the bank gave it last',
      secret: true,
      required: true,
      when: IS_REGISTERED,
    },
    ...[
      { key: 'certificate', label: 'Transport certificate', hint: 'BRCAC, in PEM' },
      { key: 'certificate_key', label: 'Key of the transport certificate', hint: 'in PEM' },
    ].map((of) => ({ ...of, secret: true, required: true, multiline: true, max_length: 20_000 })),
    {
      key: 'certificate_authority',
      label: 'Authority of the bank',
      hint: 'only where it is no public one: the ICP-Brasil chain',
      secret: true,
      multiline: true,
      max_length: 20_000,
    },
  ],
  auth: ({ registered }) => (registered === true ? bearer('registration_access_token') : { kind: 'none' }),
  identity: {
    certificate: 'certificate',
    key: 'certificate_key',
    passphrase: null,
    authority: 'certificate_authority',
  },
  limits: { requests_per_minute: 30, timeout_ms: 30_000 },
  sensitive: ['software_statement', 'registration_access_token'],
  test: (settings) =>
    settings['registered'] === true ? get(clientPath(settings)) : get('/.well-known/openid-configuration'),
  refusal: toRefusal,
  operations: {
    register_client: operation({
      input: Register,
      request: (input, settings) => post(registrationPath(settings), metadata(input)),
      reads: Registered,
      translate: toClient,
    }),
    read_client: operation({
      input: Type.Object({}, closed),
      request: (_input, settings) => get(clientPath(settings)),
      reads: Registered,
      translate: toClient,
    }),
    /** Replaces all of it. */
    update_client: operation({
      input: Update,
      request: (input, settings) => put(clientPath(settings), metadata(input)),
      reads: Registered,
      translate: toClient,
    }),
    delete_client: operation({
      input: Type.Object({}, closed),
      request: (_input, settings) => ({ method: 'DELETE' as const, path: clientPath(settings) }),
      reads: Type.Unknown(),
      translate: () => null,
    }),
  },
})

function toRefusal(status: number, body: unknown): Refusal {
  const told = read(ErrorBody, body)
  const { error, error_description } = told.ok ? told.value : ({} as ErrorBody)
  return {
    reason: reasonOfStatus(status),
    code: error ?? null,
    message: error_description ?? null,
  }
}
