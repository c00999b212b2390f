import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, findingOf, type Health, type HealthStatus, nextHealth } from './health.ts'

function walk(from: HealthStatus, found: Finding[]): HealthStatus[] {
  let health: Health = { status: from, streak: 0 }
  return found.map((one) => {
    health = nextHealth(health, one)
    return health.status
  })
}

test('one bad answer is a warning, three in a row are an outage', () => {
  assert.deepEqual(walk('healthy', ['failed', 'failed', 'failed', 'failed']), [
    'degraded',
    'degraded',
    'unhealthy',
    'unhealthy',
  ])
})

test('failures that are not in a row are no outage', () => {
  assert.deepEqual(walk('healthy', ['failed', 'failed', 'well', 'failed', 'failed']), [
    'degraded',
    'degraded',
    'degraded',
    'degraded',
    'degraded',
  ])
})

test('who was out must answer twice before he is trusted again', () => {
  assert.deepEqual(walk('unhealthy', ['well', 'failed', 'well', 'well']), [
    'degraded',
    'degraded',
    'degraded',
    'healthy',
  ])
})

test('the first answer ever says enough, and a slow one is a warning', () => {
  assert.deepEqual(walk('unknown', ['well']), ['healthy'])
  assert.deepEqual(walk('unknown', ['slow', 'well']), ['degraded', 'healthy'])
  assert.deepEqual(walk('healthy', ['slow']), ['degraded'])
  assert.equal(findingOf(true, 5_001, 10_000), 'slow')
  assert.equal(findingOf(true, 5_000, 10_000), 'well')
  assert.equal(findingOf(false, 1, 10_000), 'failed')
})
