import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
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
