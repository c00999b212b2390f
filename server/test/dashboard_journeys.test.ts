import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, test } from 'node:test'
import type { Browser, Download, Page } from 'playwright-core'
import { totpCode } from '../modules/people/totp.ts'
import { openWindow, withoutBrowser } from './browser.ts'
import { type Dashboard, looked, PASSWORD, startDashboard } from './dashboard.ts'
import { eventually, type Json, type Product } from './product.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { signedPayment } from './stripe_payment.ts'

// What people do in the dashboard, in a real browser before the real server and its sandbox.

describe('journeys in the dashboard', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let receiver: Receiver
  let browser: Browser
  let at: Dashboard['at']
  let connection: string

  before(async () => {
    ;({ product, browser, at } = await startDashboard({ sandbox: true }))
    receiver = await startReceiver()
    const made = await product.api.ok('POST', '/v1/connections', {
      provider: 'stripe',
      name: 'Stripe of the shop',
      environment: 'development',
      settings: { base_url: `${product.url}/sandbox/stripe` },
      credentials: { secret_key: 'sk_test_journeys' },
    })
    connection = String(made['id'])
  })

  const call = (path: string) =>
    product.api.ok('POST', `/v1/connections/${connection}/calls`, { method: 'GET', path })

  test('a call shows up in the list as it happens, without a reload', async () => {
    const window = await at('about:blank')
    const { page } = window
    const listening = page.waitForResponse(/\/v1\/live/)
    await page.goto('/calls')
    await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor()
    await listening
    await page.evaluate('window.is_the_same_page = true')
    await call('/v1/payment_intents/pi_seen_at_once')
    await page.getByText('/v1/payment_intents/pi_seen_at_once').first().waitFor()
    assert.equal(await page.evaluate('window.is_the_same_page'), true)
    await looked(window)
  })

  test('what the list of calls shows is taken away as CSV and as JSON lines', async () => {
    const { id } = await call('/v1/payment_intents?limit=3')
    const window = await at(`/calls?connection_id=${connection}`)
    const { page } = window
    const take = async (how: string): Promise<Download> => {
      await page.getByRole('button', { name: 'Export' }).click()
      const item = page.getByRole('menuitem', { name: how })
      const [file] = await Promise.all([page.waitForEvent('download'), item.click()])
      return file
    }
    const csv = await take('As CSV')
    assert.equal(csv.suggestedFilename(), 'calls.csv')
    const rows = (await linesOf(csv)).map((line) => line.split(','))
    const jsonl = await take('As JSON lines')
    assert.equal(jsonl.suggestedFilename(), 'calls.jsonl')
    const told = (await linesOf(jsonl)).map((line) => JSON.parse(line) as Json)
    const kept = await product.api.ok('GET', `/v1/calls/${id}`)
    for (const name of ['id', 'connection_id', 'method', 'path', 'state', 'status']) {
      const column = rows[0]?.indexOf(name) ?? -1
      assert.equal(rows.find(([one]) => one === id)?.[column], String(kept[name]))
      assert.equal(told.find((one) => one['id'] === id)?.[name], kept[name])
    }
    assert.ok(told.every((one) => one['connection_id'] === connection))
    await looked(window)
  })

  test('a request is tried out, each stage of its way is shown, and it is kept as an example under a name', async () => {
    const window = await at('/calls/tester')
    const { page } = window
    await page.getByRole('combobox', { name: 'Connection' }).click()
    await page.getByRole('option', { name: 'Stripe of the shop' }).click()
    await page.getByText('Request', { exact: true }).click()
    await page.getByLabel('Path').fill('/v1/payment_intents?limit=1')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('On its way', { exact: true }).waitFor()
    await page.getByText('Attempt 1').waitFor()
    await page.getByRole('button', { name: 'Save as an operation' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('intents.newest')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It can be asked by its name now').waitFor()
    await page.getByText('Operation', { exact: true }).click()
    await page.getByRole('combobox', { name: 'Operation' }).click()
    await page.getByRole('option', { name: 'intents.newest' }).click()
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('HTTP 200').first().waitFor()
    await page.getByRole('link', { name: 'See the call' }).click()
    await page.waitForURL('**/calls/call_*')
    await page.getByText('intents.newest').first().waitFor()
    await looked(window)
  })

  test('a stored operation is given limits of its own, which show among those of its connection', async () => {
    const window = await at(`/connections/${connection}?tab=operations`)
    const { page } = window
    const path = '/v1/customers?limit=1'
    const operations = `/v1/connections/${connection}/operations`
    await product.api.ok('POST', operations, { name: 'customers.newest', method: 'GET', path })
    await page.reload()
    const row = page.getByRole('row', { name: /customers\.newest/ })
    await row.getByRole('button', { name: 'Edit' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Only the limits of its connection hold.').waitFor()
    await dialog.getByRole('button', { name: 'Add a limit' }).click()
    await dialog.getByRole('textbox', { name: 'Calls', exact: true }).fill('7')
    await dialog.getByRole('combobox', { name: 'In any period of' }).click()
    await page.getByRole('option', { name: /hour/i }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    const kept = await product.api.ok('GET', `${operations}/customers.newest`)
    assert.deepEqual([kept['path'], kept['rates']], [path, [{ calls: 7, per_s: 3600 }]])
    await page.getByRole('tab', { name: 'Limits' }).click()
    await page.getByText('operation customers.newest').waitFor()
    await looked(window)
  })

  test('what the steps of a traced call were given and gave is on its page, masked', async () => {
    const made = await product.api.ok('POST', `/v1/connections/${connection}/calls`, {
      method: 'POST',
      path: '/v1/customers',
      encoding: 'form',
      body: { mail: 'ana@example.com', first: 'Ana' },
      mapping: { in: [{ kind: 'map', fields: { email: 'mail', name: 'first' } }] },
      trace: true,
    })
    const window = await at(`/calls/${made['id']}`)
    const { page } = window
    await page.getByRole('heading', { name: 'Mapping' }).waitFor()
    await page.getByText('What it was given').waitFor()
    await page.getByText('"first": "Ana"').waitFor()
    await page.getByText('"name": "Ana"').waitFor()
    assert.equal(await page.getByText('ana@example.com').count(), 0)
    await looked(window)
  })

  test('a form says what is wrong with a field as one types, and is sent once it is right', async () => {
    const window = await at('/connections/new/http')
    const { page } = window
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Own API')
    const address = page.getByRole('textbox', { name: /address|URL/i }).first()
    await address.pressSequentially('ftp://x')
    await address.blur()
    await page.getByText('Must be a URL that begins with').waitFor()
    await address.fill(receiver.base)
    await page.getByText('Must be a URL that begins with').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Events of calls' }).click()
    await page.getByRole('combobox', { name: 'Calls that end in an event' }).click()
    await page.getByRole('option', { name: 'Those that fail' }).click()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Own API', exact: true }).waitFor()
    const made = (await product.api.list('/v1/connections')).find(({ name }) => name === 'Own API')
    assert.equal(made?.['call_events'], 'failures')
    await looked(window)
  })

  test('a delivery that was given up is sent again, and is seen to arrive', async () => {
    receiver.answer('/shop', { status: 500 }, { status: 200 })
    const made = await product.api.ok('POST', '/v1/subscriptions', {
      name: 'The shop',
      url: `${receiver.base}/shop`,
      event_types: ['webhook.received'],
      retry_schedule_s: [],
    })
    await product.api.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
    const list = `/v1/deliveries?state=failed&subscription_id=${made['id']}`
    const dead = await eventually(async () => (await product.api.list(list))[0])
    const window = await at(`/outbound/deliveries/${dead['id']}`)
    const { page } = window
    await page.getByText('Failed', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Delivered', { exact: true }).first().waitFor()
    assert.equal(receiver.at('/shop').length, 2)
    await looked(window)
  })

  test('an event is sent to one subscription from its story', async () => {
    const { id } = await product.api.ok('POST', '/v1/events', { type: 'webhook.received', data: { n: 2 } })
    await product.api.ok('POST', '/v1/subscriptions', {
      name: 'The late one',
      url: `${receiver.base}/late`,
      event_types: ['other.type'],
    })
    const window = await at(`/story/${id}`)
    const { page } = window
    await page.getByRole('button', { name: 'Send to a subscription…' }).first().click()
    await page.getByRole('combobox', { name: 'Subscription' }).click()
    await page.getByRole('option', { name: 'The late one' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click()
    await eventually(async () => receiver.at('/late').length === 1)
    await looked(window)
  })

  test('the sandbox tests a source, and what was refused is taken in once the source is mended, or discarded', async () => {
    const [secret, new_one] = ['whsec_of_the_journeys', 'whsec_that_nobody_told_us']
    const source = await product.api.ok('POST', '/v1/sources', {
      provider: 'stripe',
      name: 'Shop',
      secrets: [secret],
    })
    const { body, headers } = signedPayment('of_the_journeys', new_one)
    await fetch(String(source['url']), { method: 'POST', headers, body })
    const window = await at(`/inbound/sources/${source['id']}`)
    const { page } = window
    await page.getByText('once the source has a connection').waitFor()
    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page.getByText('the source took it').waitFor()
    await page.goto(`/inbound?source_id=${source['id']}`)
    const [sent] = await product.api.list(`/v1/messages?source_id=${source['id']}`)
    await page.getByText(String(sent?.['event_key']), { exact: true }).waitFor()
    await product.api.ok('PATCH', `/v1/sources/${source['id']}`, { secrets: [secret, new_one] })
    await page.goto(`/inbound/turned_away?source_id=${source['id']}`)
    await page.getByRole('link', { name: 'Not verified' }).click()
    await page.waitForURL(`**/inbound/quarantine?source_id=${source['id']}`)
    await page.getByRole('row').nth(1).getByRole('button').first().click()
    await page.getByRole('button', { name: 'Take in', exact: true }).first().click()
    await page.getByText('Taken in.').waitFor()
    const taken = await eventually(async () => {
      const messages = await product.api.list(`/v1/messages?source_id=${source['id']}`)
      return messages.length === 2 && messages.every(({ state }) => state === 'completed')
    })
    assert.ok(taken)
    await fetch(String(source['url']), { method: 'POST', body: '{}' })
    await page.goto(`/inbound/quarantine?source_id=${source['id']}`)
    await page.getByRole('button', { name: 'Discard all…' }).click()
    await page.getByText('1 refused messages of this source').waitFor()
    await page.getByRole('button', { name: 'Discard', exact: true }).click()
    await page.getByText('1 discarded.').waitFor()
    assert.deepEqual(await product.api.list(`/v1/quarantine?source_id=${source['id']}`), [])
    await looked(window)
  })

  test('a message that failed is processed again from its story, once what was wrong is mended', async () => {
    const token = 'a-token-of-theirs'
    const source = await product.api.ok('POST', '/v1/sources', {
      provider: 'http',
      name: 'Shaped',
      settings: { signature: 'token', signature_header: 'x-token', event_type: 'type' },
      secrets: [token],
      options: { mapping: [{ kind: 'validate', schema: { type: 'object', required: ['order'] } }] },
    })
    const headers = { 'content-type': 'application/json', 'x-token': token }
    const sent = { method: 'POST', headers, body: '{"id":"m1","type":"paid"}' }
    const { id } = (await (await fetch(String(source['url']), sent)).json()) as Json
    const stateIs = (state: string) =>
      eventually(async () => (await product.api.ok('GET', `/v1/messages/${id}`))['state'] === state)
    await stateIs('failed')
    await product.api.ok('PATCH', `/v1/sources/${source['id']}`, { options: { mapping: null } })
    const window = await at(`/story/${id}`)
    await window.page.getByRole('button', { name: 'Replay' }).first().click()
    await window.page.getByText('It is processed again.').waitFor()
    await stateIs('completed')
    await window.page.getByText('Completed', { exact: true }).first().waitFor()
    await looked(window)
  })

  test('what a subscription sends is written beside a real event, and sent as it was seen', async () => {
    const made = await product.api.ok('POST', '/v1/subscriptions', {
      name: 'Shaped',
      url: `${receiver.base}/shaped`,
      event_types: ['webhook.received'],
    })
    await product.api.ok('POST', '/v1/events', { type: 'webhook.received', data: { order: 'A-1042' } })
    const window = await at(`/outbound/subscriptions/${made['id']}/edit`)
    const { page } = window
    const filter = page.getByLabel('Filter', { exact: true })
    await filter.fill('{bad')
    await filter.blur()
    await page.getByText('This is not JSON.').waitFor()
    await filter.fill('')
    await page.getByText('Expression', { exact: true }).click()
    await page.getByRole('textbox', { name: 'Expression' }).fill('{ "shaped": data.order }')
    await page.getByText('"A-1042"').first().waitFor()
    await page.getByRole('button', { name: 'Delivery', exact: true }).click()
    await page.getByLabel('Weight').fill('3')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(`**/outbound/subscriptions/${made['id']}`)
    await page.getByRole('button', { name: 'Copy the address' }).waitFor()
    assert.equal((await product.api.ok('GET', `/v1/subscriptions/${made['id']}`))['weight'], 3)
    await product.api.ok('POST', '/v1/events', { type: 'webhook.received', data: { order: 'A-1043' } })
    await eventually(async () => receiver.at('/shaped').some(({ body }) => body === '{"shaped":"A-1043"}'))
    await looked(window)
  })

  test('a payment is given back in part, asked first, and its moves are shown', async () => {
    const paid = await product.api.ok('POST', '/v1/payments', {
      connection_id: connection,
      money: { amount: '15050', currency: 'BRL' },
      source: 'pm_card_visa',
    })
    const window = await at('/payments')
    const { page } = window
    await page.getByRole('link', { name: 'R$150.50' }).click()
    await page.getByRole('button', { name: 'Refund' }).click()
    await page.getByLabel('Amount').fill('50.50')
    await page.getByRole('dialog').getByRole('button', { name: 'Refund' }).click()
    await page.getByText('Partly refunded').first().waitFor()
    const { refunded } = await product.api.ok('GET', `/v1/payments/${paid['id']}`)
    assert.deepEqual(refunded, { amount: '5050', currency: 'BRL' })
    await looked(window)
  })

  test('whoever has a second factor is asked for its code', async () => {
    const window = await at('/settings/account')
    const { page } = window
    await page.getByRole('region', { name: 'Second factor' }).getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Set it up' }).click()
    const shown = page.locator('code').filter({ hasText: /^[A-Z2-7 ]{20,}$/ })
    const secret = (await shown.innerText()).replaceAll(' ', '')
    await page.getByRole('textbox', { name: 'Code' }).fill(totpCode(secret, new Date()))
    await page.getByRole('button', { name: 'Turn it on' }).click()
    await page.getByText('It is on: signing in needs a code.').waitFor()
    await looked(window)

    const out = await openWindow(browser, product.url, { locale: 'en' })
    await enter(out.page)
    // A code is taken once: the next step's is what the app shows half a minute later, and is taken now.
    await out.page.getByLabel('Code from').fill(totpCode(secret, new Date(Date.now() + 30_000)))
    await out.page.getByRole('button', { name: 'Sign in' }).click()
    await out.page.getByRole('heading', { name: 'Overview' }).waitFor()
    await out.close()
  })

  async function enter(page: Page): Promise<void> {
    await page.goto('/')
    await page.getByLabel('E-mail').fill('ana@example.com')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
})

const linesOf = async (file: Download): Promise<string[]> =>
  (await readFile(await file.path(), 'utf8')).trim().split(/\r?\n/)
