import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkConformance, type Fixtures } from '../kit/conformance.ts'
import { manifest, type Provider } from '../kit/provider.ts'
import { providers } from './index.ts'

const read = (id: string, name: string) => {
  const file = new URL(`./${id}/fixtures/${name}.json`, import.meta.url)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}
const fixturesOf = (id: string): Fixtures => ({
  operations: read(id, 'operations'),
  webhooks: read(id, 'webhooks'),
})

for (const [id, provider] of providers) {
  test(`${id} stands everything the kit asks of a provider`, () => {
    assert.deepEqual(checkConformance(provider, fixturesOf(id)), [])
  })

  test(`${id} can be told as JSON without losing anything`, () => {
    const told = manifest(provider)
    assert.deepEqual(JSON.parse(JSON.stringify(told)), told)
  })

  test(`${id} has a page that says how to set it up`, () => {
    const page = readFileSync(new URL(`./${id}/setup.md`, import.meta.url), 'utf8')
    const untold = provider.fields.filter(({ key, required }) => required && !page.includes(key))
    assert.deepEqual(untold, [])
  })
}

test('a provider says whether its vendor keeps what it told, and for how many days', () => {
  const told = [...providers.values()].map((provider) => manifest(provider).webhooks?.catch_up ?? null)
  assert.deepEqual(
    told.filter((one) => one !== null),
    [{ kept_days: 30 }],
  )
})

test('a provider that lets anything pass is found out', () => {
  const stripe = providers.get('stripe')
  assert(stripe?.webhooks && stripe.payments?.find)
  const careless: Provider = {
    ...stripe,
    webhooks: {
      ...stripe.webhooks,
      signature: { kind: 'stripe', header: 'content-type', tolerance_seconds: 1e9 },
    },
    operations: {
      ...stripe.operations,
      'payments.find': { ...stripe.payments.find, input: {}, translate: () => ({ status: 'completed' }) },
    } as Provider['operations'],
  }
  const rules = new Set(checkConformance(careless, fixturesOf('stripe')).map(({ rule }) => rule))
  for (const rule of [
    'a genuine message is accepted',
    'the reply translates',
    'an unknown state is pending',
  ]) {
    assert(rules.has(rule), rule)
  }
})

test('a provider without a fixture for an operation is found out', () => {
  const stripe = providers.get('stripe')
  assert(stripe)
  const [finding] = checkConformance(stripe, { operations: [], webhooks: [] })
  assert.match(finding?.detail ?? '', /no fixture for .*payments\.create.*webhooks/)
})
