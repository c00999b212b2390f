import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { withoutBrowser } from './browser.ts'
import { type Dashboard, looked, startDashboard } from './dashboard.ts'
import { eventually, type Json, type Product } from './product.ts'

// What somebody looks after in the dashboard: secrets, a vendor that is held up, words that are understood.

describe('looking after things in the dashboard', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let at: Dashboard['at']
  let connection: string

  before(async () => {
    ;({ product, at } = await startDashboard())
    const { id } = await product.api.ok('POST', '/v1/connections', {
      provider: 'stripe',
      name: 'Stripe of the shop',
      environment: 'development',
      settings: { base_url: `${product.sandbox.url}/stripe` },
      credentials: { secret_key: 'sk_test_care' },
    })
    connection = String(id)
  })

  const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).first()

  test('what lets somebody in or proves who spoke stands on one page, by its age, and leads to its place', async () => {
    const { api, sandbox } = product
    const secrets = ['whsec_care_0123456789abcdef', 'whsec_care_fedcba9876543210']
    await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'Of the care', secrets })
    const subscription = await api.ok('POST', '/v1/subscriptions', {
      name: 'The shop',
      url: `${sandbox.url}/bin/care`,
      event_types: ['*'],
    })
    await api.ok('POST', `/v1/subscriptions/${subscription['id']}/secret/rotate`, { overlap_hours: 24 })
    const window = await at('/settings/secrets')
    const { page } = window
    const connections = part(page, 'Credentials of connections')
    await connections.getByText('secret_key').waitFor()
    await connections.locator('time').waitFor()
    await part(page, 'Secrets of sources').getByText('2 set').waitFor()
    // Since when, and until when the one before it signs too.
    const signing = part(page, 'Signing secrets of subscriptions')
    await eventually(async () => (await signing.locator('time').count()) === 2)
    assert.ok(!(await page.content()).includes(String(secrets[0])))
    await connections.getByRole('link', { name: 'Stripe of the shop' }).click()
    await page.getByRole('button', { name: 'Replace' }).waitFor()
    await looked(window)
  })

  test('what was paused is taken back where it was said', async () => {
    const window = await at(`/connections/${connection}`)
    const { page } = window
    const asked: unknown[] = []
    page.on('request', (request) => {
      if (request.method() === 'PATCH') asked.push(request.postDataJSON())
    })
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await eventually(async () => asked.length === 2)
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor()
    assert.deepEqual(asked, [{ state: 'disabled' }, { state: 'enabled' }])
    await eventually(async () => {
      const { state } = await product.api.ok('GET', `/v1/connections/${connection}`)
      return state === 'enabled'
    })
    await looked(window)
  })

  test('what a vendor has to answer is set in a form that says what is no JSON, and stays when it is opened again', async () => {
    const window = await at(`/connections/${connection}`)
    const { page } = window
    await page.getByText('No checks yet; the first one is made within minutes.').waitFor()
    await page.goto(`/connections/${connection}?tab=checks`)
    const answer = page.getByLabel('What its JSON is to say')
    await answer.fill('[1]')
    await page.getByText('Has to be a JSON object').waitFor()
    await answer.fill('{"object": "balance"}')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved. The next check').waitFor()
    const health = await product.api.ok('GET', `/v1/connections/${connection}/health`)
    assert.deepEqual((health['checks'] as Json)['answer'], { object: 'balance' })
    await page.reload()
    await eventually(async () => /"balance"/.test(await answer.inputValue()))
    await looked(window)
  })

  test('a call that was kept back says at which stage, and which it never reached', async () => {
    const window = await at(`/calls/tester?connection=${connection}`)
    const { page } = window
    const stages = page.getByRole('table', { name: 'On its way' })
    const send = page.getByRole('button', { name: 'Send', exact: true })
    await page.getByLabel('Path').fill('/v1/payment_intents')
    await send.click()
    await stages.getByText('Attempt 1').waitFor()
    for (const stage of ['Breaker', 'Limits', 'Sign-in at the provider'])
      await stages.getByText(stage, { exact: true }).waitFor()
    await product.api.ok('POST', `/v1/connections/${connection}/breaker/open`)
    await eventually(async () => {
      await send.click()
      await stages.getByText('Attempt 1').or(stages.getByText('Breaker kept it')).waitFor()
      return (await stages.getByText('Breaker kept it').count()) > 0
    })
    await stages.getByText('Limits not reached').waitFor()
    assert.equal(await stages.getByText('Attempt 1').count(), 0)
    await product.api.ok('POST', `/v1/connections/${connection}/breaker/close`)
    await looked(window)
  })

  test('the options of a source are set in a form that says what is wrong, and a change leaves the others', async () => {
    const window = await at('/inbound/sources/new')
    const { page } = window
    await page.getByRole('combobox', { name: 'Provider' }).click()
    await page.getByRole('option', { name: 'Stripe', exact: true }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('By form')
    await page.getByRole('button', { name: 'Options' }).click()
    const addresses = page.getByLabel('Addresses that may send')
    await addresses.fill('54.187.174.169\nnowhere')
    await page.getByLabel('Failed after').fill('3')
    await page.getByLabel('Copies are known for').fill('48')
    await page.getByRole('switch', { name: 'Also ask for an access token' }).press('Space')
    await page.getByRole('switch', { name: 'Answer something of your own' }).press('Space')
    await page.getByLabel('Status').fill('202')
    await page.getByLabel('Headers').fill('X-Received: yes')
    await page.getByLabel('Body', { exact: true }).fill('taken {id}')
    await page.getByRole('combobox', { name: 'Without a decision in time' }).click()
    await page.getByRole('option', { name: 'Approve' }).click()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('nowhere is not of the form wanted here.').waitFor()
    await addresses.fill('54.187.174.169')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.waitForURL('**/inbound/sources/src_*')
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const optionsNow = async () => {
      const { options } = await product.api.ok('GET', `/v1/sources/${id}`)
      const { allowed_ips, access_token, order, duplicates, response, decisions } = options as Json
      const { skip_after } = order as Json
      const { window_hours } = duplicates as Json
      const { undecided } = decisions as Json
      return { allowed_ips, access_token, skip_after, window_hours, response, undecided }
    }
    const set = {
      allowed_ips: ['54.187.174.169'],
      access_token: true,
      skip_after: 3,
      window_hours: 48,
      response: {
        status: 202,
        content_type: 'application/json',
        headers: { 'X-Received': 'yes' },
        body: 'taken {id}',
      },
      undecided: 'approve',
    }
    assert.deepEqual(await optionsNow(), set)
    await page.getByText('3 attempts').waitFor()
    await page.getByText('54.187.174.169').waitFor()
    await page.getByRole('link', { name: 'Edit' }).click()
    await page.getByRole('button', { name: 'Options' }).click()
    await addresses.fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(`**/inbound/sources/${id}`)
    assert.deepEqual(await optionsNow(), { ...set, allowed_ips: null })
    await looked(window)
  })

  test('types of events are described in Portuguese where Portuguese is spoken', async () => {
    const window = await at('/outbound/types')
    const { page } = window
    const types = ['payment.completed', 'transfer.returned', 'consent.expiring', 'delivery.exhausted']
    const english = (await product.api.list('/v1/event-types'))
      .filter(({ name }) => types.includes(String(name)))
      .map(({ description }) => String(description))
    assert.equal(english.length, types.length)
    for (const text of english) await page.getByText(text, { exact: true }).waitFor()
    await page.getByRole('button', { name: /^Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Português' }).click()
    await page.getByText('O dinheiro voltou', { exact: true }).waitFor()
    for (const text of english) assert.equal(await page.getByText(text, { exact: true }).count(), 0)
    await looked(window)
  })
})
