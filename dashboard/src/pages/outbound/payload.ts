import type { Subscription } from '../../api/names.ts'
import type { BodyOf } from '../../api/types.ts'
import type { Draft } from './subscription_draft.ts'

type Preview = BodyOf<'/v1/subscriptions/preview'>
type Payload = NonNullable<Preview['payload']>

/** What of an event is sent, as somebody types it. */
export type PayloadDraft = {
  payload_kind: 'as_is' | 'template' | 'expression'
  template: string
  expression: string
}

export function payloadDraftOf(of: Subscription | null): PayloadDraft {
  const payload = of?.payload ?? null
  if (payload === null) return { payload_kind: 'as_is', template: '', expression: '' }
  return 'template' in payload
    ? { payload_kind: 'template', template: JSON.stringify(payload.template, null, 2), expression: '' }
    : { payload_kind: 'expression', template: '', expression: payload.expression }
}

/** Null sends the event as it is; undefined while what is typed is nothing yet. */
export function payloadOf({ payload_kind, template, expression }: PayloadDraft): Payload | null | undefined {
  if (payload_kind === 'as_is') return null
  if (payload_kind === 'expression') return expression.trim() ? { expression } : undefined
  try {
    return { template: JSON.parse(template) as unknown }
  } catch {
    return undefined
  }
}

/** `about` is the id of a past event, or a type whose example stands in. */
export function previewOf(draft: Draft, of: Subscription | null, about: string): Preview {
  return {
    ...(about.startsWith('evt_') ? { event_id: about } : { event_type: about }),
    ...(of && { subscription_id: of.id }),
    ...(draft.event_types.length > 0 && { event_types: draft.event_types }),
    payload: payloadOf(draft) ?? null,
    content_type: draft.content_type,
  }
}

export const isWanted = (patterns: string[], type: string): boolean =>
  patterns.some(
    (one) => one === '*' || one === type || (one.endsWith('.*') && type.startsWith(one.slice(0, -1))),
  )
