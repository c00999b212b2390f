import Type, { type Static } from 'typebox'
import { Nullable, Timestamp, WireId } from '../wire.ts'

export const BeginAuthorization = Type.Object(
  {
    return_to: Type.Optional(
      Type.String({
        maxLength: 2000,
        description:
          'Where the browser goes afterwards, with `connection` and `status` (`connected` or `failed`) added; https://, or http:// on localhost',
        examples: ['https://app.example.com/integrations'],
      }),
    ),
  },
  { additionalProperties: false },
)
export type BeginAuthorization = Static<typeof BeginAuthorization>

export const Begun = Type.Object({
  url: Type.String({ description: "The vendor's page; send the person who may let us in there" }),
  redirect_uri: Type.String({ description: 'Where the vendor sends them back to; register it there' }),
  expires_at: Timestamp,
})

export const Authorization = Type.Object({
  connection_id: WireId('connection'),
  auth: Type.String({ description: 'How the connection authenticates' }),
  state: Type.Union([
    Type.Literal('connected'),
    Type.Literal('not_connected'),
    Type.Literal('needs_reconnect'),
  ]),
  note: Nullable(Type.String({ description: 'Why the vendor does not let it in any more' })),
  scope: Nullable(Type.String({ description: 'What the vendor granted' })),
  expires_at: Nullable(Timestamp),
  authorized_at: Nullable(Timestamp),
  redirect_uri: Type.String(),
})
export type Authorization = Static<typeof Authorization>
