import Type, { type Static } from 'typebox'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { Call, CallState, CauseKind, Method } from './schema.ts'

/** What is asked of the records of calls, and what they show beside the calls themselves. */
const Filters = {
  connection_id: Type.Optional(Type.String()),
  state: Type.Optional(CallState),
  operation: Type.Optional(Type.String({ maxLength: 100 })),
  method: Type.Optional(Method),
  status: Type.Optional(
    Type.String({
      pattern: '^[1-5](xx|[0-9]{2})$',
      description: "Of the vendor's last answer: 404, or 4xx for all from 400 to 499",
      examples: ['4xx'],
    }),
  ),
  cause: Type.Optional(CauseKind),
  cause_id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'Of the message, batch or call, or the name of the schedule or job, that made it necessary',
    }),
  ),
  parent_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'Of the call or batch it belongs to' }),
  ),
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Made then or later' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Made before' })),
  external_reference: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: "The vendor's own id of the call: Stripe's Request-Id, Plaid's request_id",
      examples: ['req_1042'],
    }),
  ),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "What the call is found by, whole: a vendor's id, a reference, an idempotency key, a CPF or CNPJ, an e-mail, a phone",
    }),
  ),
}
export const CallQuery = Type.Object({ ...PageQuery.properties, ...Filters }, { additionalProperties: false })
export type CallQuery = Static<typeof CallQuery>

export const ExportQuery = Type.Object(
  {
    ...Filters,
    format: Type.Optional(
      Type.Union([Type.Literal('csv'), Type.Literal('jsonl')], { description: 'csv unless said otherwise' }),
    ),
    cursor: Type.Optional(
      Type.String({ description: 'The id of the last call of an export that broke off: go on below it' }),
    ),
  },
  { additionalProperties: false },
)
export type ExportQuery = Static<typeof ExportQuery>

export const Calls = Page(Call)

export const NumberParams = Type.Object(
  {
    id: Type.String(),
    number: Type.String({ pattern: '^[1-9][0-9]{0,3}$', description: 'Of the attempt, from 1' }),
  },
  { additionalProperties: false },
)

const KeptBody = Nullable(
  Type.Object({
    encoding: Type.Union([Type.Literal('text'), Type.Literal('base64')]),
    body: Type.String(),
  }),
)
export const KeptBodies = Type.Object({
  call_id: WireId('call'),
  number: Type.Integer(),
  keep_until: Timestamp,
  truncated: Type.Boolean({ description: 'One of them was longer than 10 MB' }),
  request: KeptBody,
  response: KeptBody,
})
