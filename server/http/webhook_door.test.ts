import assert from 'node:assert/strict'
import { test } from 'node:test'
import { receive } from '../modules/inbound/inbound.ts'
import { webhookRoutes } from '../modules/inbound/routes.ts'
import { type Reply, type Served, serve } from '../test/http_app.ts'

const ADDRESS = '/webhooks/stripe/src_01jz8k3v9mf2tb7xq4c5n6p8rs'

const seen = ({ status, headers, body }: Reply) => ({
  status,
  headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'request-id'].includes(name))),
  body: { ...body, request_id: headers.get('request-id') },
})

const lineOf = ({ lines }: Served, request_id: unknown): Record<string, unknown> => {
  const {
    time: _time,
    duration_ms,
    request_id: _id,
    ...line
  } = lines.find((one) => one['request_id'] === request_id) ?? {}
  return { ...line, duration_ms: typeof duration_ms }
}

test('a webhook is answered and logged alike by the short way in and by the long one', async () => {
  const served = await serve({ mount: { rooms: [], webhooks: webhookRoutes, receive } })
  const long = seen(await served.send('POST', `${ADDRESS}?long`, { body: { id: 'evt_1' } }))
  const short = seen(await served.send('POST', ADDRESS, { body: { id: 'evt_1' } }))
  assert.equal(short.status, 404)
  const ids = [short.body.request_id, long.body.request_id]
  assert.notEqual(ids[0], ids[1])
  assert.deepEqual({ ...short, body: { ...short.body, request_id: ids[1] } }, long)
  assert.deepEqual(lineOf(served, ids[0]), lineOf(served, ids[1]))
  assert.equal(lineOf(served, ids[0])['route'], '/webhooks/:provider/:source')
})
