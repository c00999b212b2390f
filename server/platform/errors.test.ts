import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS, type ErrorCode, errorsMarkdown, Problem, problemBody } from './errors.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

test('every code answers an error status and says what it is in one sentence', () => {
  for (const code of CODES) {
    const { status, title } = ERRORS[code]
    assert.match(code, /^[a-z]+(_[a-z]+)*$/)
    assert.ok(status >= 400 && status < 600, code)
    assert.match(title, /^[A-Z][^.\n]+$/)
  }
  const titles = CODES.map((code) => ERRORS[code].title)
  assert.equal(new Set(titles).size, titles.length)
})

test('the body says type, code, status, title, detail and request, and only what is known besides', () => {
  const problem = new Problem('invalid_id', { field: 'source_id', detail: 'source_id must be a source id' })
  assert.deepEqual(problemBody(problem, 'req_1'), {
    type: 'urn:trilho:error:invalid_id',
    code: 'invalid_id',
    status: 400,
    title: ERRORS.invalid_id.title,
    detail: 'source_id must be a source id',
    field: 'source_id',
    request_id: 'req_1',
  })
  const limited = problemBody(new Problem('rate_limited', { detail: 'wait', retry_after_s: 0 }), 'req_2')
  assert.equal(limited['retry_after_s'], 0)
  assert.ok(!('field' in limited) && !('errors' in limited))
})

test('the cause is for the log and never in the body', () => {
  const cause = new Error('password authentication failed for user trilho')
  const problem = new Problem('internal', { detail: 'try again', cause, headers: { 'x-inner': 'inner' } })
  assert.equal(problem.cause, cause)
  const body = JSON.stringify(problemBody(problem, 'req_1'))
  assert.ok(!body.includes('password') && !body.includes('inner'), body)
})

test('the printed page has a row for every code', () => {
  const page = errorsMarkdown()
  for (const code of CODES)
    assert.ok(page.includes(`| \`${code}\` | ${ERRORS[code].status} | ${ERRORS[code].title} |`), code)
})
