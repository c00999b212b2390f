import Type from 'typebox'
import type { Routes } from '../app.ts'
import { IdParams, Nullable } from '../wire.ts'
import { readSandbox, sendTestMessage } from './test_message.ts'

const Sandbox = Type.Object({
  url: Nullable(Type.String({ description: 'Where the simulated vendors are; null: they do not run here' })),
  providers: Type.Array(Type.String(), { description: 'Those that send a test message to a source' }),
})
const TestMessage = Type.Object({
  status: Type.Integer({ description: 'What the source answered the vendor; 0: nothing' }),
  accepted: Type.Boolean(),
})

const tags = ['Sources']

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/sandbox',
    {
      config: { access: 'sources:read' },
      schema: {
        operationId: 'readSandbox',
        summary: 'See whether simulated vendors run here, and who of them sends test messages',
        tags,
        response: { 200: Sandbox },
      },
    },
    () => readSandbox(app),
  )

  http.post(
    '/v1/sources/:id/test',
    {
      config: { access: 'sources:operate' },
      schema: {
        operationId: 'testSource',
        summary: 'Let a simulated vendor send a test message to a source',
        description:
          'Signed with its secret and posted to its address as the vendor does; only where the sandbox runs.',
        tags,
        params: IdParams,
        response: { 200: TestMessage },
      },
    },
    (request) => sendTestMessage(app, request.actor, request.params.id),
  )
}
