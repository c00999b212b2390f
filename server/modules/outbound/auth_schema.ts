import Type from 'typebox'
import { Nullable, Timestamp } from '../wire.ts'

/** Authentication at the receiver: what is given, and what of it is shown. */

const Url = Type.String({ minLength: 1, maxLength: 2_048, examples: ['https://example.com/oauth/token'] })
const Text = Type.String({ minLength: 1, maxLength: 2_000 })
const Pem = Type.String({
  minLength: 1,
  maxLength: 20_000,
  description: 'In PEM',
  examples: ['-----BEGIN CERTIFICATE-----\n…'],
})
const Mechanism = Type.Union([Type.Literal('sha-256'), Type.Literal('sha-512')])
export const AuthInput = Type.Union(
  [
    Type.Object(
      { type: Type.Literal('basic'), username: Text, password: Type.String({ maxLength: 2_000 }) },
      { additionalProperties: false },
    ),
    Type.Object({ type: Type.Literal('bearer'), token: Text }, { additionalProperties: false }),
    Type.Object({ type: Type.Literal('api_key'), header: Text, key: Text }, { additionalProperties: false }),
    Type.Object(
      {
        type: Type.Literal('oauth2', { description: 'Client credentials' }),
        token_url: Url,
        client_id: Text,
        client_secret: Text,
        scope: Type.Optional(Text),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Literal('hmac', { description: 'HMAC-SHA256 of the body' }),
        header: Text,
        secret: Text,
        encoding: Type.Optional(Type.Union([Type.Literal('hex'), Type.Literal('base64')])),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Literal('mtls', {
          description:
            'A client certificate, shown where the receiver, or a broker reached over TLS, asks for one',
        }),
        certificate: Pem,
        key: Pem,
        passphrase: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000, description: 'Of the key' })),
        authority: Type.Optional(Pem),
        username: Type.Optional(Text),
        password: Type.Optional(
          Type.String({
            maxLength: 2_000,
            description: 'With username: of a broker that wants a login as well',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Literal('scram', { description: 'Of Kafka' }),
        mechanism: Mechanism,
        username: Text,
        password: Text,
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        type: Type.Literal('aws', { description: 'Signature Version 4, of SQS' }),
        access_key_id: Text,
        secret_access_key: Text,
        session_token: Type.Optional(Text),
      },
      { additionalProperties: false },
    ),
  ],
  { description: 'How Trilho authenticates at the receiver, beside the signature' },
)

export const ShownAuth = Type.Object({
  type: Type.Union([
    Type.Literal('basic'),
    Type.Literal('bearer'),
    Type.Literal('api_key'),
    Type.Literal('oauth2'),
    Type.Literal('hmac'),
    Type.Literal('mtls'),
    Type.Literal('scram'),
    Type.Literal('aws'),
  ]),
  username: Type.Optional(Type.String()),
  header: Type.Optional(Type.String()),
  token_url: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  scope: Type.Optional(Nullable(Type.String())),
  encoding: Type.Optional(Type.String()),
  mechanism: Type.Optional(Type.String()),
  access_key_id: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String({ description: 'Of the certificate' })),
  expires_at: Type.Optional(Nullable(Timestamp)),
})
