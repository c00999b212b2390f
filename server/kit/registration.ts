import Type, { type Static } from 'typebox'
import type { Field } from './fields.ts'
import type { Operation } from './provider.ts'

/** How a vendor is told the address of a source, and untold it: four operations that every vendor has in the same words. */

/** What each of the four is given. `secret` is ours to tell, where the vendor takes one; `event_types` null is all of them. */
export const Registering = Type.Object(
  {
    url: Type.String({
      minLength: 8,
      maxLength: 2_000,
      description: 'The address, as the vendor must call it',
    }),
    event_types: Type.Union([
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 100 }),
      Type.Null(),
    ]),
    secret: Type.Union([Type.String({ maxLength: 4_096 }), Type.Null()]),
    vendor_id: Type.Union([Type.String({ minLength: 1, maxLength: 255 }), Type.Null()]),
    target: Type.Record(Type.String(), Type.String()),
  },
  { additionalProperties: false },
)
export type Registering = Static<typeof Registering>

/** What stands at the vendor. `url` is as it has it, which another may have set; `secret` where it made one and tells it. */
export type Registered = { vendor_id: string; url: string; secret?: string }

export type Registration = {
  /** What else the vendor wants to know, such as the key or the repository: the `target`. All of them text. */
  fields: readonly Field[]
  /** Who makes the secret that signs: the vendor, who tells it once, or we. Without a word where nothing of that kind is used. */
  secret: 'theirs' | 'ours'
  /** What the vendor has for this address or this target; null where it has nothing. */
  find: Operation<Registering, Registered | null>
  register: Operation<Registering, Registered>
  /** Of what is known by its `vendor_id`. */
  change: Operation<Registering, Registered>
  unregister: Operation<Registering, unknown>
}

export const REGISTRATION_VERBS = ['find', 'register', 'change', 'unregister'] as const
export type RegistrationVerb = (typeof REGISTRATION_VERBS)[number]

export const registrationOperations = (registration: Registration | undefined): Record<string, Operation> =>
  Object.fromEntries(
    registration
      ? REGISTRATION_VERBS.map((verb) => [
          `webhooks.${verb}`,
          { ...(registration[verb] as Operation), input: Registering },
        ])
      : [],
  )
