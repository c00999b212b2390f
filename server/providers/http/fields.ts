import type { Field } from '../../kit/fields.ts'

const HEADER_NAME = "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
const PRINTABLE = '[\\x21-\\x7e]+'
const API_KEY = ['api_key_header', 'api_key_query']
const OAUTH = 'oauth2_client_credentials'

export const CONNECTION_FIELDS: Field[] = [
  {
    key: 'base_url',
    label: 'Base URL',
    hint: 'every path is joined to it',
    type: 'url',
    required: true,
    example: 'https://api.example.com/v2',
  },
  {
    key: 'auth',
    label: 'Authentication',
    enum: ['none', 'bearer', 'basic', ...API_KEY, OAUTH],
    default: 'none',
  },
  {
    key: 'token',
    label: 'Token',
    secret: true,
    required: true,
    pattern: PRINTABLE,
    when: { auth: 'bearer' },
  },
  {
    key: 'username',
    label: 'User name',
    secret: true,
    required: true,
    pattern: '[^:]+',
    when: { auth: 'basic' },
  },
  { key: 'password', label: 'Password', secret: true, required: true, when: { auth: 'basic' } },
  {
    key: 'api_key_name',
    label: 'Name of the header or parameter',
    required: true,
    pattern: HEADER_NAME,
    example: 'x-api-key',
    when: { auth: API_KEY },
  },
  {
    key: 'api_key_prefix',
    label: 'Text before the key',
    pattern: '[\\x20-\\x7e]+',
    max_length: 100,
    when: { auth: API_KEY },
  },
  {
    key: 'api_key',
    label: 'API key',
    secret: true,
    required: true,
    pattern: '[\\x20-\\x7e]+',
    when: { auth: API_KEY },
  },
  {
    key: 'token_url',
    label: 'Token URL',
    hint: 'absolute, or a path below the base URL',
    required: true,
    pattern: 'https?://\\S+|/\\S*',
    example: 'https://login.example.com/oauth/token',
    when: { auth: OAUTH },
  },
  { key: 'client_id', label: 'Client id', secret: true, required: true, when: { auth: OAUTH } },
  { key: 'client_secret', label: 'Client secret', secret: true, required: true, when: { auth: OAUTH } },
  { key: 'scope', label: 'Scope', when: { auth: OAUTH } },
  { key: 'audience', label: 'Audience', when: { auth: OAUTH } },
  {
    key: 'client_auth',
    label: 'How the client shows itself',
    hint: 'in a Basic header, or in the body',
    enum: ['basic', 'body'],
    default: 'basic',
    when: { auth: OAUTH },
  },
  { key: 'default_headers', label: 'Headers of every request', hint: 'not for secrets', type: 'headers' },
  {
    key: 'test_path',
    label: 'Path of the test',
    hint: 'a GET that answers 2xx when all is well',
    pattern: '/\\S*',
    default: '/',
  },
  {
    key: 'idempotency_header',
    label: 'Idempotency header',
    hint: 'where the service knows one, requests with a key may be repeated',
    pattern: HEADER_NAME,
    example: 'Idempotency-Key',
  },
]

export const SIGNED_TEXTS = [
  '{body}',
  '{timestamp}.{body}',
  '{timestamp}{body}',
  '{timestamp}:{body}',
  'v0:{timestamp}:{body}',
  '{id}.{timestamp}.{body}',
] as const
const WITH_TIMESTAMP = SIGNED_TEXTS.filter((text) => text.includes('{timestamp}'))
const WITH_ID = SIGNED_TEXTS.filter((text) => text.includes('{id}'))
const PLACE = `header:${HEADER_NAME}|[^.\\s]+(?:[.][^.\\s]+)*`

export const SOURCE_FIELDS: Field[] = [
  {
    key: 'signature',
    label: 'Signature',
    hint: 'how the sender signs',
    enum: ['standard_webhooks', 'hmac', 'none'],
    required: true,
  },
  {
    key: 'unsigned_because',
    label: 'Why it is not signed',
    hint: 'anyone who learns the address can write to it',
    required: true,
    max_length: 500,
    when: { signature: 'none' },
  },
  {
    key: 'signature_header',
    label: 'Header of the signature',
    required: true,
    pattern: HEADER_NAME,
    example: 'x-signature',
    when: { signature: 'hmac' },
  },
  {
    key: 'algorithm',
    label: 'Algorithm',
    enum: ['sha256', 'sha512', 'sha1'],
    default: 'sha256',
    when: { signature: 'hmac' },
  },
  {
    key: 'encoding',
    label: 'Encoding of the signature',
    enum: ['hex', 'base64'],
    default: 'hex',
    when: { signature: 'hmac' },
  },
  {
    key: 'prefix',
    label: 'Text before the signature',
    pattern: '[\\x20-\\x7e]+',
    max_length: 50,
    example: 'sha256=',
    when: { signature: 'hmac' },
  },
  {
    key: 'signs',
    label: 'What is signed',
    enum: SIGNED_TEXTS,
    default: '{body}',
    when: { signature: 'hmac' },
  },
  {
    key: 'timestamp_header',
    label: 'Header of the timestamp',
    required: true,
    pattern: HEADER_NAME,
    when: { signature: 'hmac', signs: WITH_TIMESTAMP },
  },
  {
    key: 'id_header',
    label: 'Header of the id',
    required: true,
    pattern: HEADER_NAME,
    when: { signature: 'hmac', signs: WITH_ID },
  },
  {
    key: 'secret_encoding',
    label: 'Encoding of the secret',
    enum: ['utf8', 'hex', 'base64'],
    default: 'utf8',
    when: { signature: 'hmac' },
  },
  {
    key: 'tolerance_seconds',
    label: 'Age allowed',
    hint: 'seconds a signed timestamp may be off',
    type: 'integer',
    minimum: 1,
    maximum: 86_400,
    default: 300,
    when: { signature: ['hmac', 'standard_webhooks'] },
  },
  {
    key: 'event_id',
    label: 'Where the id of the event stands',
    hint: 'a path into the body such as data.id, or header: and a name; copies are known by it',
    pattern: PLACE,
    example: 'header:x-request-id',
  },
  {
    key: 'event_type',
    label: 'Where the type of the event stands',
    pattern: PLACE,
    default: 'type',
    example: 'header:x-github-event',
  },
  {
    key: 'entity_id',
    label: 'Where the id of the thing it is about stands',
    hint: 'messages and events are found by it',
    pattern: PLACE,
    example: 'data.order.id',
  },
]
