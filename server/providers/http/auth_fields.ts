import { ALGORITHMS } from '../../kit/auth/assertion.ts'
import { CLIENT_AUTHS } from '../../kit/auth/oauth.ts'
import { certificateWhere } from '../../kit/certificate.ts'
import type { Field } from '../../kit/fields.ts'

/** What each kind of authentication asks for. */

export const HEADER_NAME = "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
const PRINTABLE = '[\\x21-\\x7e]+'
const TEXT = '[\\x20-\\x7e]+'
const ADDRESS = 'https?://\\S+|/\\S*'
const PARAMETERS = '[^=&\\s]+=[^&\\s]*(?:&[^=&\\s]+=[^&\\s]*)*'
const JSON_PATH = '[^.\\s]+(?:[.][^.\\s]+)*'

const SECOND_KEY = { second_key_in: ['header', 'query'] }
const API_KEY = ['api_key_header', 'api_key_query']
const CLIENT = ['oauth2_client_credentials', 'oauth2_authorization_code']
const CONSENT = 'oauth2_authorization_code'
const BEARER_ASSERTION = 'oauth2_jwt_bearer'
const GRANTS = [...CLIENT, BEARER_ASSERTION]
const SIGNED = [BEARER_ASSERTION, 'jwt']
const USER = ['basic', 'login', 'csrf_session']

export const AUTH_KINDS = [
  'none',
  'bearer',
  'basic',
  ...API_KEY,
  ...GRANTS,
  'jwt',
  'hmac',
  'aws_sigv4',
  'login',
  'csrf_session',
]

const PLACES =
  'method|url|host|path|query|path_and_query|timestamp|nonce|key_id|body|body_sha256|body_sha256_base64'

type Short = Omit<Field, 'key' | 'label' | 'when'>
type Auth = string | string[]

const field = (auth: Auth, key: string, label: string, more: Short = {}): Field => ({
  key,
  label,
  ...more,
  when: { auth },
})

const secret = (auth: Auth, key: string, label: string, more: Short = {}): Field =>
  field(auth, key, label, { secret: true, required: true, ...more })

const KEY: Field[] = [
  secret('bearer', 'token', 'Token', { pattern: PRINTABLE }),
  secret(USER, 'username', 'User name', { pattern: '[^:]+' }),
  secret(USER, 'password', 'Password'),
  // A header has a usual name, a parameter has none: `authFaults` asks for it.
  field(API_KEY, 'api_key_name', 'Name of the header or parameter', {
    pattern: HEADER_NAME,
    example: 'x-api-key',
  }),
  field(API_KEY, 'api_key_prefix', 'Text before the key', { pattern: TEXT, max_length: 100 }),
  secret(API_KEY, 'api_key', 'API key', { pattern: TEXT }),
]

const SIGNS_ITSELF = { auth: CLIENT, client_auth: ['private_key_jwt', 'jwt_secret'] }

const OAUTH: Field[] = [
  field(CONSENT, 'authorize_url', 'Address of the page of consent', {
    hint: 'absolute, or a path below the base URL',
    required: true,
    pattern: ADDRESS,
    example: 'https://login.example.com/oauth/authorize',
  }),
  field(GRANTS, 'token_url', 'Token URL', {
    hint: 'absolute, or a path below the base URL',
    required: true,
    pattern: ADDRESS,
    example: 'https://login.example.com/oauth/token',
  }),
  secret(CLIENT, 'client_id', 'Client id'),
  {
    key: 'client_auth',
    label: 'How the client shows itself',
    hint: 'in a Basic header, in the body, by a signed assertion, by a signed secret (Apple), or by its id alone',
    enum: CLIENT_AUTHS,
    default: 'basic',
    when: { auth: CLIENT },
  },
  {
    key: 'client_secret',
    label: 'Client secret',
    secret: true,
    required: true,
    when: { auth: CLIENT, client_auth: ['basic', 'body'] },
  },
  {
    key: 'client_key',
    label: 'Private key of the client',
    hint: 'in PEM',
    secret: true,
    required: true,
    multiline: true,
    when: SIGNS_ITSELF,
  },
  { key: 'client_key_id', label: 'Id of that key', when: SIGNS_ITSELF },
  {
    key: 'client_algorithm',
    label: 'Algorithm of that key',
    enum: ALGORITHMS,
    default: 'RS256',
    when: SIGNS_ITSELF,
  },
  {
    key: 'client_issuer',
    label: 'Issuer of the assertion',
    hint: 'the client id where empty; at Apple the team id',
    when: SIGNS_ITSELF,
  },
  {
    key: 'client_audience',
    label: 'Audience of the assertion',
    hint: 'the token URL where empty',
    when: SIGNS_ITSELF,
  },
  field(GRANTS, 'scope', 'Scope'),
  field([...GRANTS, 'jwt'], 'audience', 'Audience'),
  field(GRANTS, 'base_url_in', 'Where the answer with the token says the base URL', {
    hint: 'where it does: that one is used then',
    pattern: '[\\w-]{1,100}',
    example: 'instance_url',
  }),
  field(CONSENT, 'issuer', 'Issuer', { hint: 'where the vendor says who it is, it must be this' }),
  field(CONSENT, 'authorize_parameters', 'More parameters of the page of consent', {
    pattern: PARAMETERS,
    example: 'access_type=offline&prompt=consent',
  }),
]

const ASSERTION: Field[] = [
  secret(SIGNED, 'assertion_issuer', 'Issuer', {
    hint: 'the service account, the client id or the team id',
    example: 'trilho@project.iam.gserviceaccount.com',
  }),
  secret(SIGNED, 'private_key', 'Private key', {
    hint: 'in PEM; the shared secret where the algorithm is HS256',
    multiline: true,
  }),
  field(SIGNED, 'key_id', 'Id of the key'),
  field(SIGNED, 'algorithm', 'Algorithm', { enum: ALGORITHMS, default: 'RS256' }),
  field(SIGNED, 'subject', 'Subject', { hint: 'on whose behalf' }),
  field(BEARER_ASSERTION, 'scope_in', 'Where the scope stands', {
    hint: 'a claim of the assertion (Google), or a parameter',
    enum: ['claim', 'parameter'],
    default: 'claim',
  }),
  field('jwt', 'life_s', 'Seconds a token is good for', {
    type: 'integer',
    minimum: 60,
    maximum: 86_400,
    default: 1800,
  }),
]

const HMAC: Field[] = [
  secret('hmac', 'hmac_secret', 'Secret'),
  field('hmac', 'hmac_key_id', 'Id of the key', { secret: true }),
  field('hmac', 'hmac_algorithm', 'Algorithm', { enum: ['sha256', 'sha512', 'sha1'], default: 'sha256' }),
  field('hmac', 'hmac_encoding', 'Encoding of the signature', { enum: ['hex', 'base64'], default: 'hex' }),
  field('hmac', 'hmac_secret_encoding', 'Encoding of the secret', {
    enum: ['utf8', 'hex', 'base64'],
    default: 'utf8',
  }),
  field('hmac', 'hmac_signs', 'What is signed', {
    hint: `text with any of {${PLACES.replaceAll('|', '}, {')}}, and \\n for a line feed`,
    required: true,
    pattern: `(?:[^{}]|\\{(?:${PLACES})\\})+`,
    example: '{method}\\n{path_and_query}\\n{timestamp}\\n{body}',
  }),
  field('hmac', 'hmac_header', 'Header of the signature', {
    required: true,
    pattern: HEADER_NAME,
    example: 'x-signature',
  }),
  field('hmac', 'hmac_header_value', 'What stands in that header', {
    hint: 'text with {signature}, and where wanted {key_id}, {timestamp} and {nonce}',
    pattern: '(?:[\\x20-\\x7a\\x7c\\x7e]|\\{(?:signature|key_id|timestamp|nonce)\\})+',
    default: '{signature}',
    example: 'HMAC {key_id}:{signature}',
  }),
  field('hmac', 'hmac_timestamp_header', 'Header of the timestamp', { pattern: HEADER_NAME }),
  field('hmac', 'hmac_timestamp_format', 'Form of the timestamp', {
    enum: ['seconds', 'milliseconds', 'iso'],
    default: 'seconds',
  }),
  field('hmac', 'hmac_nonce_header', 'Header of the nonce', { pattern: HEADER_NAME }),
  field('hmac', 'hmac_key_id_header', 'Header of the id of the key', { pattern: HEADER_NAME }),
]

const AWS: Field[] = [
  secret('aws_sigv4', 'access_key_id', 'Access key id', { pattern: PRINTABLE }),
  secret('aws_sigv4', 'secret_access_key', 'Secret access key', { pattern: PRINTABLE }),
  secret('aws_sigv4', 'session_token', 'Session token', { required: false, pattern: PRINTABLE }),
  field('aws_sigv4', 'region', 'Region', { required: true, pattern: '[a-z0-9-]+', example: 'sa-east-1' }),
  field('aws_sigv4', 'service', 'Service', { required: true, pattern: '[a-z0-9-]+', example: 'execute-api' }),
]

const LOGIN: Field[] = [
  field('login', 'login_url', 'Address of the log-in', {
    hint: 'absolute, or a path below the base URL',
    required: true,
    pattern: ADDRESS,
    example: '/login',
  }),
  field('login', 'login_encoding', 'How it is posted', { enum: ['json', 'form'], default: 'json' }),
  field('login', 'username_field', 'Name of the user name', { pattern: PRINTABLE, default: 'username' }),
  field('login', 'password_field', 'Name of the password', { pattern: PRINTABLE, default: 'password' }),
  field('login', 'login_parameters', 'What is posted beside them', {
    pattern: PARAMETERS,
    example: 'company=7',
  }),
  field('login', 'login_keeps', 'What is shown afterwards', {
    hint: 'a token of the answer, or its cookies',
    enum: ['token', 'cookies'],
    default: 'token',
  }),
  field('login', 'token_path', 'Where the token stands in the answer', {
    pattern: JSON_PATH,
    default: 'token',
    example: 'data.token',
  }),
  field('login', 'token_header', 'Header of the token', { pattern: HEADER_NAME, default: 'authorization' }),
  field('login', 'token_prefix', 'Text before the token', {
    hint: '`Bearer ` in the header authorization, nothing in another',
    pattern: TEXT,
    max_length: 50,
  }),
  field('login', 'expires_path', 'Where the seconds it is good for stand', { pattern: JSON_PATH }),
  field('login', 'token_ttl_s', 'Seconds it is good for', {
    hint: 'until it is answered 401 where empty',
    type: 'integer',
    minimum: 10,
    maximum: 31_536_000,
  }),
  field('csrf_session', 'fetch_url', 'Address the token is fetched at', {
    hint: 'a cheap read; absolute, or a path below the base URL',
    pattern: ADDRESS,
    default: '/',
  }),
  field('csrf_session', 'csrf_header', 'Header of the token', {
    pattern: HEADER_NAME,
    default: 'x-csrf-token',
  }),
]

const SECOND: Field[] = [
  {
    key: 'second_key_in',
    label: 'Where a second key stands',
    hint: 'beside the authentication above, as gateways want it: a subscription key, the key of an application',
    enum: ['none', 'header', 'query'],
    default: 'none',
  },
  {
    key: 'second_key_name',
    label: 'Name of its header or parameter',
    required: true,
    pattern: HEADER_NAME,
    example: 'Ocp-Apim-Subscription-Key',
    when: SECOND_KEY,
  },
  { key: 'second_key', label: 'Second key', secret: true, required: true, pattern: TEXT, when: SECOND_KEY },
]

export const CERTIFICATE = certificateWhere({
  hint: 'to vendors that ask who we are (mTLS), beside the authentication above',
  default: false,
  authority_label: "Authority of the vendor's certificate",
})

export const AUTH_FIELDS: Field[] = [
  { key: 'auth', label: 'Authentication', enum: AUTH_KINDS, default: 'none' },
  ...KEY,
  ...OAUTH,
  ...ASSERTION,
  ...HMAC,
  ...AWS,
  ...LOGIN,
  {
    key: 'token_refused_when',
    label: 'Error that says the token is over',
    hint: 'where it comes with another status than 401: a path into the answer, = and its value',
    pattern: '[^.\\s=]+(?:[.][^.\\s=]+)*=.+',
    example: 'error=token_expired',
    when: { auth: [...GRANTS, 'jwt', 'login', 'csrf_session'] },
  },
  ...SECOND,
  ...CERTIFICATE.fields,
]
