import Type from 'typebox'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { SCOPES } from './scopes.ts'

const closed = { additionalProperties: false } as const

const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Padaria Central'] })
const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'A name of the IANA time zone database; schedules are read in it',
  examples: ['America/Sao_Paulo'],
})
const Environment = Type.Union([Type.Literal('live'), Type.Literal('test')], {
  description: 'Live credentials never meet a test key',
})
const Scopes = Type.Array(Type.String({ maxLength: 50 }), {
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  description: `Each one of ${SCOPES.join(', ')}`,
  examples: [['calls:write', 'events:read']],
})

export const TenantSchema = Type.Object(
  { id: WireId('tenant'), name: Name, time_zone: TimeZone, created_at: Timestamp },
  closed,
)
export type Tenant = Type.Static<typeof TenantSchema>
export const TenantPage = Page(TenantSchema)

export const NewTenantBody = Type.Object({ name: Name, time_zone: Type.Optional(TimeZone) }, closed)
export type NewTenant = Type.Static<typeof NewTenantBody>

export const TenantChangeBody = Type.Object(
  { name: Type.Optional(Name), time_zone: Type.Optional(TimeZone) },
  { ...closed, minProperties: 1 },
)
export type TenantChange = Type.Static<typeof TenantChangeBody>

const Hint = Type.String({ description: 'Enough to recognise the key by', examples: ['trl_live_…x7Qp'] })

const keyFields = {
  id: WireId('api_key'),
  name: Name,
  hint: Hint,
  environment: Environment,
  scopes: Type.Array(Type.String()),
  expires_at: Nullable(Timestamp),
  revoked_at: Nullable(Timestamp),
  created_at: Timestamp,
}
export const KeySchema = Type.Object(keyFields, closed)
export type ApiKey = Type.Static<typeof KeySchema>
export const KeyPage = Page(KeySchema)

export const NewKeyBody = Type.Object(
  { name: Name, environment: Environment, scopes: Scopes, expires_at: Type.Optional(Timestamp) },
  closed,
)
export type NewKey = Type.Static<typeof NewKeyBody>

export const NewKeySchema = Type.Object(
  { ...keyFields, key: Type.String({ description: 'The key. It is shown this once; keep it now.' }) },
  closed,
)
export type NewKeyShown = Type.Static<typeof NewKeySchema>

const ClientId = Type.String({
  pattern: '^[\\x21-\\x39\\x3b-\\x7e]{1,100}$',
  description: '1 to 100 visible ASCII characters without spaces and colons',
  examples: ['risk-engine'],
})
const clientFields = {
  id: WireId('oauth_client'),
  client_id: ClientId,
  name: Name,
  environment: Environment,
  scopes: Type.Array(Type.String()),
  revoked_at: Nullable(Timestamp),
  created_at: Timestamp,
}
export const OauthClientSchema = Type.Object(clientFields, closed)
export type OauthClient = Type.Static<typeof OauthClientSchema>
export const OauthClientPage = Page(OauthClientSchema)

export const NewOauthClientBody = Type.Object(
  { client_id: ClientId, name: Name, environment: Environment, scopes: Scopes },
  closed,
)
export type NewOauthClient = Type.Static<typeof NewOauthClientBody>

export const NewOauthClientSchema = Type.Object(
  {
    ...clientFields,
    client_secret: Type.String({ description: 'The secret. It is shown this once; keep it now.' }),
  },
  closed,
)
export type NewOauthClientShown = Type.Static<typeof NewOauthClientSchema>

export const AuditSchema = Type.Object(
  {
    id: WireId('audit'),
    actor: Type.String({ description: 'The key, client or person that did it, or the job of ours' }),
    action: Type.String({ examples: ['key.revoke'] }),
    target: Type.String({ description: 'What it was done to' }),
    ip: Nullable(Type.String()),
    request_id: Nullable(Type.String()),
    detail: Type.Record(Type.String(), Type.Unknown()),
    at: Timestamp,
  },
  closed,
)
export const AuditPage = Page(AuditSchema)

const Word = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))
export const AuditQuery = Type.Object(
  {
    ...PageQuery.properties,
    actor: Word('The id of the key, client or person that did it, or the name of the job'),
    action: Word('Such as key.revoke'),
    target: Word('The id of what it was done to'),
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Belongs to it' })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Does not' })),
  },
  closed,
)
export type AuditQuery = Type.Static<typeof AuditQuery>

/** RFC 6749, 4.4.2: what the form may hold. */
export const TokenForm = Type.Object({
  grant_type: Type.Literal('client_credentials'),
  scope: Type.Optional(
    Type.String({ description: 'Scopes, separated by spaces; all the client holds when absent' }),
  ),
  client_id: Type.Optional(Type.String({ description: 'Here or by HTTP Basic' })),
  client_secret: Type.Optional(Type.String({ description: 'Here or by HTTP Basic' })),
})

/** RFC 6749, 5.1 and 5.2. */
export const AccessTokenSchema = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds' }),
    scope: Type.String({ description: 'Scopes, separated by spaces' }),
  },
  closed,
)
export const TokenRefusalSchema = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  closed,
)
