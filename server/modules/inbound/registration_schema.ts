import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { RegistrationRow } from './registration_queries.ts'

const Target = Type.Record(Type.String(), Type.String(), {
  description:
    'What the vendor wants to know beside the address, by `webhooks.registration.fields` of its provider: which Pix key, which repository',
  examples: [{ place: 'octo-org/octo-repo' }],
})

export const RegisterSource = Type.Object(
  {
    target: Type.Optional(Target),
    replace: Type.Optional(
      Type.Boolean({
        description:
          'Take the place of an address that somebody else set for the same target, where the vendor keeps only one; otherwise it fails',
      }),
    ),
  },
  { additionalProperties: false },
)
export type RegisterSource = Static<typeof RegisterSource>

export const SourceRegistration = Type.Object({
  source_id: WireId('source'),
  state: Type.Union(
    [
      Type.Literal('unregistered'),
      Type.Literal('registering'),
      Type.Literal('registered'),
      Type.Literal('failed'),
      Type.Literal('unregistering'),
    ],
    {
      description:
        '`registering` and `unregistering` until the vendor has answered; `error` says why not yet',
    },
  ),
  connection_id: Nullable(WireId('connection')),
  target: Target,
  vendor_id: Nullable(Type.String({ description: "The vendor's id of it" })),
  url: Nullable(
    Type.String({ description: 'What the vendor calls, without the secret that may stand behind it' }),
  ),
  error: Nullable(Type.String()),
  registered_at: Nullable(Timestamp),
})

export const toRegistration = (source_id: string, row: RegistrationRow | undefined) => ({
  source_id,
  state: row?.state ?? ('unregistered' as const),
  connection_id: row ? toWire('connection', row.connection_id) : null,
  target: row?.target ?? {},
  vendor_id: row?.vendor_id ?? null,
  url: row?.url ?? null,
  error: row?.error ?? null,
  registered_at: row?.registered_at?.toISOString() ?? null,
})
