import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { totpCode } from '../modules/people/totp.ts'
import { openWindow, startBrowser, type Window, withoutBrowser } from './browser.ts'
import { builtDashboard, PASSWORD, signUp } from './dashboard.ts'
import { undoAfter } from './harness.ts'
import { CLIENT, startOidc } from './oidc/oidc.ts'
import { apiOf, eventually, type Product, startProduct } from './product.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { signedPayment } from './stripe_payment.ts'

// What people do in the dashboard, in a real browser before the real server and its sandbox.

describe('journeys in the dashboard', { skip: withoutBrowser, timeout: 560_000 }, () => {
  let product: Product
  let receiver: Receiver
  let browser: Browser
  let ana: BrowserContextOptions['storageState']
  let connection: string

  before(async () => {
    await builtDashboard()
    product = await startProduct({ sandbox: true })
    receiver = await startReceiver()
    browser = await startBrowser()
    ana = await signUp(browser, product)
    const made = await product.api.ok('POST', '/v1/connections', {
      provider: 'stripe',
      name: 'Stripe of the shop',
      environment: 'development',
      settings: { base_url: `${product.url}/sandbox/stripe` },
      credentials: { secret_key: 'sk_test_journeys' },
    })
    connection = String(made['id'])
  })

  /** A window in which Ana is signed in, at this place. */
  async function at(path: string): Promise<Window> {
    const known = ana === undefined ? {} : { storageState: ana }
    const window = await openWindow(browser, product.url, { locale: 'en', ...known })
    await window.page.goto(path)
    return window
  }

  async function looked({ complaints, close }: Window): Promise<void> {
    assert.deepEqual(complaints, [])
    await close()
  }

  const call = (path: string) =>
    product.api.ok('POST', `/v1/connections/${connection}/calls`, { method: 'GET', path })

  test('a call shows up in the list as it happens, without a reload', async () => {
    const window = await at('about:blank')
    const { page } = window
    const listening = page.waitForResponse(/\/v1\/live/)
    await page.goto('/calls')
    await page.getByRole('heading', { name: 'Calls' }).waitFor()
    await listening
    await page.evaluate('window.is_the_same_page = true')
    await call('/v1/payment_intents/pi_seen_at_once')
    await page.getByText('/v1/payment_intents/pi_seen_at_once').first().waitFor()
    assert.equal(await page.evaluate('window.is_the_same_page'), true)
    await looked(window)
  })

  test('what the list of calls shows is taken away as CSV', async () => {
    const { id } = await call('/v1/payment_intents?limit=3')
    const window = await at(`/calls?connection_id=${connection}`)
    const { page } = window
    await page.getByRole('button', { name: 'Export' }).click()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'As CSV' }).click(),
    ])
    assert.equal(file.suggestedFilename(), 'calls.csv')
    const [head = '', ...lines] = (await readFile(await file.path(), 'utf8')).trim().split(/\r?\n/)
    assert.match(head, /^id,/)
    assert.ok(lines.some((line) => line.startsWith(String(id))))
    await looked(window)
  })

  test('a request is tried out, and each stage of its way is shown with the answer', async () => {
    const window = await at('/calls/tester')
    const { page } = window
    await page.getByRole('combobox', { name: 'Connection' }).click()
    await page.getByRole('option', { name: 'Stripe of the shop' }).click()
    await page.getByText('Request', { exact: true }).click()
    await page.getByLabel('Path').fill('/v1/payment_intents?limit=1')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('On its way', { exact: true }).waitFor()
    await page.getByText('Attempt 1').waitFor()
    await page.getByRole('link', { name: 'See the call' }).click()
    await page.waitForURL('**/calls/call_*')
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
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Own API', exact: true }).waitFor()
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

  test('the sandbox tests a source, and what was refused is taken in once the source is mended', async () => {
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
    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page.getByText('the source took it').waitFor()
    await product.api.ok('PATCH', `/v1/sources/${source['id']}`, { secrets: [secret, new_one] })
    await page.goto(`/inbound/quarantine?source_id=${source['id']}`)
    await page.getByRole('row').nth(1).getByRole('button').first().click()
    await page.getByRole('button', { name: 'Take in', exact: true }).first().click()
    await page.getByText('Taken in.').waitFor()
    const taken = await eventually(async () => {
      const messages = await product.api.list(`/v1/messages?source_id=${source['id']}`)
      return messages.length === 2 && messages.every(({ state }) => state === 'completed')
    })
    assert.ok(taken)
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
    await page.getByText('Expression', { exact: true }).click()
    await page.getByRole('textbox', { name: 'Expression' }).fill('{ "shaped": data.order }')
    await page.getByText('"A-1042"').first().waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(`**/outbound/subscriptions/${made['id']}`)
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

  test('whoever their company vouches for comes in by its sign-in', async () => {
    const { admin_key, url } = product
    const admin = apiOf(url, { authorization: `Bearer ${admin_key}` }, '', '')
    const { stop } = await startOidc({
      redirect_uri: async (issuer) => {
        const place = { tenant_id: product.api.tenant_id, role: 'viewer', domains: ['padaria.example'] }
        const made = await admin.ok('POST', '/v1/sign-in-providers', {
          name: 'Padaria',
          issuer,
          ...CLIENT,
          ...place,
        })
        return String(made['redirect_uri'])
      },
      token_life_s: 600,
      account: () => 'bia',
      claims: () => ({ email: 'bia@padaria.example', email_verified: true, name: 'Bia Lima', locale: 'en' }),
    })
    undoAfter(stop)
    const window = await openWindow(browser, url, { locale: 'en' })
    await window.page.goto('/')
    await window.page.getByRole('link', { name: 'Sign in with Padaria' }).click()
    await window.page.getByRole('heading', { name: 'Overview' }).waitFor()
    await window.page.goto('/connections')
    await window.page.getByText('Stripe of the shop').first().waitFor()
    assert.equal(await window.page.getByRole('link', { name: 'New connection' }).count(), 0)
    await window.close()
  })

  async function enter(page: Page): Promise<void> {
    await page.goto('/')
    await page.getByLabel('E-mail').fill('ana@example.com')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
})
