import type { Routes } from '../app.ts'
import { DryRun, listReplays, moveReplay, REPLAY_ACTS, readReplay } from '../replays/replays.ts'
import { IdParams, PageQuery } from '../wire.ts'
import * as replays from './replays.ts'
import { CreateMessageReplay, MessageReplay, MessageReplays, toReplay } from './schema_replays.ts'

const read = { config: { access: 'sources:read' } } as const
const mend = { config: { access: 'sources:operate' } } as const
const tags = ['Inbox']

/** Taking messages up again in bulk. */
export const routes: Routes = (http, app) => {
  http.post(
    '/v1/message-replays',
    {
      ...mend,
      schema: {
        operationId: 'createMessageReplay',
        summary: 'Process messages of a span of time again, or count them (dry_run)',
        tags,
        body: CreateMessageReplay,
        response: { 200: DryRun, 202: MessageReplay },
      },
    },
    async (request, reply) => {
      const made = await replays.createMessageReplay(app, request.actor, request.body)
      return 'dry_run' in made ? reply.code(200).send(made) : reply.code(202).send(made)
    },
  )

  http.get(
    '/v1/message-replays',
    {
      ...read,
      schema: {
        operationId: 'listMessageReplays',
        summary: 'List replays of messages, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: MessageReplays },
      },
    },
    (request) => listReplays(app, request.actor, replays.MESSAGES, request.query, toReplay),
  )

  http.get(
    '/v1/message-replays/:id',
    {
      ...read,
      schema: {
        operationId: 'readMessageReplay',
        summary: 'Read a replay of messages, with how far it is',
        tags,
        params: IdParams,
        response: { 200: MessageReplay },
      },
    },
    async (request) => toReplay(await readReplay(app, request.actor, replays.MESSAGES, request.params.id)),
  )

  for (const act of REPLAY_ACTS) {
    http.post(
      `/v1/message-replays/:id/${act}`,
      {
        ...mend,
        schema: {
          operationId: `${act}MessageReplay`,
          summary: `${act.charAt(0).toUpperCase()}${act.slice(1)} a replay of messages`,
          tags,
          params: IdParams,
          response: { 200: MessageReplay },
        },
      },
      async (request) =>
        toReplay(await moveReplay(app, request.actor, replays.MESSAGES, request.params.id, act)),
    )
  }
}
