import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { AnswerOf } from '../../api/types.ts'

/** What the story and its details read. All begin with `stories`: whatever happens makes them old. */

export type Story = AnswerOf<'/v1/stories/{id}'>
export type Entry = Story['entries'][number]

export const useStory = (id: string) =>
  useRead(['stories', id], () => ask(api.GET('/v1/stories/{id}', { params: { path: { id } } })))

export const useMessage = (id: string) =>
  useRead(['stories', 'message', id], () => ask(api.GET('/v1/messages/{id}', { params: { path: { id } } })))

export const useQuarantined = (id: string) =>
  useRead(['stories', 'quarantine', id], () =>
    ask(api.GET('/v1/quarantine/{id}', { params: { path: { id } } })),
  )

export const useEvent = (id: string, enabled = true) =>
  useRead(['stories', 'event', id], () => ask(api.GET('/v1/events/{id}', { params: { path: { id } } })), {
    enabled,
  })

export const useDelivery = (id: string) =>
  useRead(['stories', 'delivery', id], () =>
    ask(api.GET('/v1/deliveries/{id}', { params: { path: { id } } })),
  )

export const useCall = (id: string) =>
  useRead(['stories', 'call', id], () => ask(api.GET('/v1/calls/{id}', { params: { path: { id } } })))

export const useSource = (id: string) =>
  useRead(['stories', 'source', id], () => ask(api.GET('/v1/sources/{id}', { params: { path: { id } } })))

export const useSubscription = (id: string) =>
  useRead(['stories', 'subscription', id], () =>
    ask(api.GET('/v1/subscriptions/{id}', { params: { path: { id } } })),
  )

export const useConnection = (id: string) =>
  useRead(['stories', 'connection', id], () =>
    ask(api.GET('/v1/connections/{id}', { params: { path: { id } } })),
  )

/** Deliveries of a subscription that others wait for; only where it delivers in order by key. */
export const useParked = (subscription_id: string, enabled: boolean) =>
  useRead(
    ['stories', 'parked', subscription_id],
    () => ask(api.GET('/v1/subscriptions/{id}/parked', { params: { path: { id: subscription_id } } })),
    { enabled },
  )
