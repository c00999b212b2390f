import type { Routes } from '../app.ts'
import { DryRun, listReplays, moveReplay, REPLAY_ACTS, readReplay } from '../replays/replays.ts'
import { IdParams, PageQuery } from '../wire.ts'
import { CreateReplay, Replay, Replays, toReplay } from './delivery_schema.ts'
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
      (request) => listReplays(app, request.actor, replays.DELIVERIES, request.query, toReplay),
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
      async (request) =>
        toReplay(await readReplay(app, request.actor, replays.DELIVERIES, request.params.id)),
    )

    for (const act of REPLAY_ACTS) {
      http.post(
        `/v1/replays/:id/${act}`,
        {
          ...mend,
          schema: {
            operationId: `${act}Replay`,
            summary: `${act.charAt(0).toUpperCase()}${act.slice(1)} a replay`,
            description: 'What was put back to work already is sent all the same.',
            tags: deliveries,
            params: IdParams,
            response: { 200: Replay },
          },
        },
        async (request) =>
          toReplay(await moveReplay(app, request.actor, replays.DELIVERIES, request.params.id, act)),
      )
    }
  }
