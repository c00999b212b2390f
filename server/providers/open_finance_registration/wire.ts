import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** What we read of a registration: RFC 7591, and RFC 7592 where it may be read and changed later. */
export const Registered = Type.Object({
  client_id: Type.String({ minLength: 1 }),
  registration_access_token: maybe(Type.String()),
  registration_client_uri: maybe(Type.String()),
  scope: maybe(Type.String()),
})
export type Registered = Static<typeof Registered>

export const ErrorBody = Type.Object({ error: maybe(Type.String()), error_description: maybe(Type.String()) })
export type ErrorBody = Static<typeof ErrorBody>
