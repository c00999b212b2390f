import Type, { type Static } from 'typebox'
import { Moment } from './payments.ts'

/**
 * How what a vendor told by webhooks is read again after an outage, where it keeps its events and lists them. The
 * elements at `items` of the answer are the bodies of the webhooks, byte for byte; the answer, read, says where the next
 * page begins.
 */
export type CatchUp = {
  /** Takes a `CatchUpQuery` and gives a `CatchUpPage`, newest first. */
  operation: string
  /** The member of the vendor's answer that holds the events. */
  items: string
  kept_days: number
}

export const CatchUpQuery = Type.Object(
  {
    from: Moment,
    to: Moment,
    after: Type.Optional(Type.String({ maxLength: 255, description: '`next` of the page before' })),
  },
  { additionalProperties: false },
)
export type CatchUpQuery = Static<typeof CatchUpQuery>

export type CatchUpPage = { next: string | null }
