import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Served, serve } from '../test/http_app.ts'

type Operation = {
  operationId: string
  tags: string[]
  summary: string
  description: string
  security: Record<string, string[]>[]
  responses: Record<string, unknown>
  parameters?: { name: string; in: string }[]
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: {
    responses: Record<string, unknown>
    schemas: Record<string, unknown>
    securitySchemes: Record<string, unknown>
  }
}

let served: Served
let document: Document
let operations: { path: string; method: string; operation: Operation }[]

before(async () => {
  served = await serve({})
  document = (await served.send('GET', '/openapi.json')).body as unknown as Document
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )
})

test('the document is OpenAPI 3.1 and names each operation once, with words for people', () => {
  assert.equal(document.openapi, '3.1.0')
  const ids = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  for (const { path, operation } of operations) {
    for (const word of ['operationId', 'summary', 'description'] as const) {
      assert.equal(typeof operation[word], 'string', `${path} has no ${word}`)
    }
    assert.ok(operation.tags.length > 0, path)
  }
  assert.ok(ids.includes('createTenant') && ids.includes('issueToken') && ids.includes('ready'))
})

test('each operation says who may ask and which problems it answers, and every reference leads somewhere', () => {
  for (const { path, method, operation } of operations) {
    assert.ok(Array.isArray(operation.security), path)
    if (path.startsWith('/v1/')) {
      assert.ok(operation.security.length > 0, path)
      for (const status of ['400', '401', '403', '404', '429', '500'])
        assert.ok(operation.responses[status], `${path} ${status}`)
      const names = (operation.parameters ?? []).map(({ name }) => name)
      assert.equal(names.includes('Idempotency-Key'), method !== 'get', `${method} ${path}`)
    }
  }
  const references = JSON.stringify(document).match(/"#\/components\/[^"]+"/g) ?? []
  assert.ok(references.length > 0)
  for (const reference of new Set(references)) {
    const [, , kind = '', name = ''] = reference.slice(1, -1).split('/')
    const there = document.components[kind as 'responses']?.[name]
    assert.ok(there, `${reference} leads nowhere`)
  }
})

test('the reference page loads nothing from anywhere else', async () => {
  const redirect = await served.send('GET', '/docs')
  assert.equal(redirect.status, 301)
  const page = await served.send('GET', '/docs/')
  assert.equal(page.status, 200)
  const sources = [...page.text.matchAll(/(?:src|href)\s*=\s*"([^"]+)"/g)].map(([, url = '']) => url)
  assert.ok(sources.length > 0)
  for (const url of sources) assert.ok(!/^(https?:)?\/\//.test(url), url)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.ok(!/https?:/.test(policy), policy)
  const script = await served.send('GET', `/docs/${sources.find((url) => url.endsWith('.js'))}`)
  assert.equal(script.status, 200)
  assert.ok(script.text.length > 100_000)
})
