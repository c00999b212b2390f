import type { Routes } from '../app.ts'
import { Story, StoryParams } from './schema.ts'
import { readStory } from './stories.ts'

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/stories/:id',
    {
      config: { access: 'events:read' },
      schema: {
        operationId: 'readStoryOf',
        summary: 'Read what happened to one thing, on one line of time',
        description:
          "Any id: of a message, an event, a delivery, a call, a batch or a message in quarantine, or a vendor's. Webhooks, the events they became, deliveries and calls, with each attempt; of what the credential may read.",
        tags: ['Search'],
        params: StoryParams,
        response: { 200: Story },
      },
    },
    (request) => readStory(app, request.actor, request.params.id),
  )
}
