import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

const Item = Type.Object({ id: Type.String(), status: maybe(Type.String()) })

/** The fields we read of what Meta writes. developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components */
export const WhatsAppEvent = Type.Object({
  entry: Type.Array(
    Type.Object({
      changes: Type.Array(
        Type.Object({
          field: Type.String(),
          value: Type.Object({
            messages: maybe(Type.Array(Item)),
            statuses: maybe(Type.Array(Item)),
          }),
        }),
      ),
    }),
  ),
})
export type WhatsAppEvent = Static<typeof WhatsAppEvent>
