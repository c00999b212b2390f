import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { rooms } from '../assemble.ts'
import type { Routes } from '../modules/app.ts'
import { providers } from '../providers/index.ts'
import { serve } from '../test/http_app.ts'
import { compileWhenAsked } from './schemas_when_asked.ts'

test('a schema is compiled once, by the first value that it judges, and tells what is wrong with each', () => {
  const ajv = new Ajv()
  let compiled = 0
  ajv.addKeyword({
    keyword: 'counted',
    compile: () => {
      compiled += 1
      return () => true
    },
  })
  compileWhenAsked(ajv)
  const validate = ajv.compile({ type: 'string', counted: true })
  assert.equal(compiled, 0)
  assert.deepEqual([validate(7), validate.errors?.[0]?.keyword], [false, 'type'])
  assert.deepEqual([validate('seven'), validate.errors], [true, null])
  assert.equal(compiled, 1)
})

test('every schema of every room can be compiled', async () => {
  const judges: (() => unknown)[] = []
  const listed = rooms.map(
    (room): Routes =>
      (http, app) => {
        http.addHook('onRoute', ({ schema }) => {
          for (const part of ['params', 'querystring', 'body'] as const)
            if (schema?.[part])
              judges.push(() => http.validatorCompiler?.({ schema: schema[part], ...ANY })(null))
        })
        room(http, app)
      },
  )
  await serve({ mount: { rooms: listed.slice(1) }, providers }) // the first is always there
  for (const judge of judges) assert.equal(typeof judge(), 'boolean')
  assert.ok(judges.length > 400, `${judges.length}`)
})

const ANY = { method: 'POST', url: '/', httpPart: 'body' }
