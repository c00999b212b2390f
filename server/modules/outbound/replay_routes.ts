import type { Routes } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { CreateReplay, DryRun, Replay, Replays } from './delivery_schema.ts'
import * as replays from './replays.ts'

const read = { config: { access: 'subscriptions:read' } } as const
const mend = { config: { access: 'subscriptions:operate' } } as const
const deliveries = ['Deliveries']

export const replayRoutesFor =
  (events: replays.ReadEvents): Routes =>
  (http, app) => {
    http.post(
      '/v1/replays',
      {
        ...mend,
        schema: {
          operationId: 'createReplay',
          summary: 'Send many ended deliveries of a subscription once more',
          description: 'Goes on by itself, also after a restart; `GET /v1/replays/{id}` shows how far it is.',
          tags: deliveries,
          body: CreateReplay,
          response: { 200: DryRun, 202: Replay },
        },
      },
      async (request, reply) => {
        const made = await replays.createReplay(app, request.actor, request.body, events)
        return 'id' in made ? reply.code(202).send(made) : reply.code(200).send(made)
      },
    )

    http.get(
      '/v1/replays',
      {
        ...read,
        schema: {
          operationId: 'listReplays',
          summary: 'List replays, newest first',
          tags: deliveries,
          querystring: PageQuery,
          response: { 200: Replays },
        },
      },
      (request) => replays.listReplays(app, request.actor, request.query),
    )

    http.get(
      '/v1/replays/:id',
      {
        ...read,
        schema: {
          operationId: 'readReplay',
          summary: 'Read a replay and how far it is',
          tags: deliveries,
          params: IdParams,
          response: { 200: Replay },
        },
      },
      (request) => replays.readReplay(app, request.actor, request.params.id),
    )

    http.post(
      '/v1/replays/:id/cancel',
      {
        ...mend,
        schema: {
          operationId: 'cancelReplay',
          summary: 'Cancel a replay',
          description: 'What was put back to work already is sent all the same.',
          tags: deliveries,
          params: IdParams,
          response: { 200: Replay },
        },
      },
      (request) => replays.cancelReplay(app, request.actor, request.params.id),
    )

    for (const [verb, summary, act] of [
      ['pause', 'Pause a replay', replays.pauseReplay],
      ['resume', 'Let a paused replay go on', replays.resumeReplay],
    ] as const) {
      http.post(
        `/v1/replays/:id/${verb}`,
        {
          ...mend,
          schema: {
            operationId: `${verb}Replay`,
            summary,
            tags: deliveries,
            params: IdParams,
            response: { 200: Replay },
          },
        },
        (request) => act(app, request.actor, request.params.id),
      )
    }
  }
