import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { assertFits, barriers, openWindow, startBrowser, type Window, withoutBrowser } from './browser.ts'
import { builtDashboard, PASSWORD, signUp } from './dashboard.ts'
import { eventually, type Json, type Product, startProduct } from './product.ts'

// The dashboard as people meet it: a real browser before the real server and its sandbox.

const MOST_SCRIPT_BYTES = 250_000

describe('the dashboard', { skip: withoutBrowser, timeout: 560_000 }, () => {
  let product: Product
  let browser: Browser
  /** The cookie of Ana, who signed up first. */
  let ana: BrowserContextOptions['storageState']
  let made: {
    connection: string
    source: string
    subscription: string
    message: string
    delivery: string
    call: string
    payment: string
  }

  before(async () => {
    await builtDashboard()
    product = await startProduct()
    browser = await startBrowser()
    made = await liven(product)
  })

  /** A window in which Ana is signed in. */
  const asAna = (options: BrowserContextOptions = {}): Promise<Window> =>
    openWindow(browser, product.url, { ...(ana && { storageState: ana }), ...options })

  async function looked(window: Window): Promise<void> {
    assert.deepEqual(window.complaints, [])
    await window.close()
  }

  test('the first person signs up by the link that the start prints, and comes in', async () => {
    ana = await signUp(browser, product)
  })

  test('a wrong password is told of in words, the right one lets in', async () => {
    const { page, complaints, close } = await openWindow(browser, product.url)
    await page.goto('/calls')
    const enter = async (password: string) => {
      await page.getByLabel('E-mail').fill('ana@example.com')
      await page.getByLabel('Password').first().fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }
    await enter('not this one at all')
    await page.getByRole('alert').waitFor()
    await enter(PASSWORD)
    await page.getByRole('heading', { name: 'Calls' }).waitFor()
    // The browser itself says that 401 was answered: before the sign-in, and once to the wrong password.
    assert.deepEqual(
      complaints.filter((line) => !line.includes('401')),
      [],
    )
    await close()
  })

  test('the first load is small, and nothing comes from elsewhere', async () => {
    const { page, ...window } = await asAna()
    const elsewhere: string[] = []
    page.on('request', (request) => {
      const at = new URL(request.url())
      if (at.origin !== product.url && at.protocol !== 'data:') elsewhere.push(request.url())
    })
    await page.goto('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const bytes = await page.evaluate<number>(
      "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).reduce((sum, one) => sum + one.encodedBodySize, 0)",
    )
    assert.ok(bytes > 50_000 && bytes <= MOST_SCRIPT_BYTES, `${bytes} bytes of script`)
    assert.deepEqual(elsewhere, [])
    await looked({ page, ...window })
  })

  // Each language and each colour scheme once: what axe finds is of the one or of the other.
  for (const [language, colorScheme] of [
    ['en', 'light'],
    ['pt-BR', 'dark'],
  ] as const) {
    test(`every page can be used by everybody: ${language}, ${colorScheme}`, async () => {
      const window = await asAna({ locale: language, colorScheme })
      await speak(window, language)
      const found: string[] = []
      for (const path of pagesOf(made)) {
        await goTo(window, path)
        found.push(...(await barriers(window.page)).map((barrier) => `${path}: ${barrier}`))
      }
      assert.deepEqual(found, [])
      await looked(window)
    })
  }

  test('every page fits a phone', async () => {
    const window = await asAna({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    for (const path of pagesOf(made)) {
      await goTo(window, path)
      await assertFits(window.page)
    }
    await looked(window)
  })

  test('anything is found by its id from the keyboard, and leads to its story', async () => {
    const window = await asAna()
    const { page } = window
    await speak(window, 'en')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('/')
    await page.getByPlaceholder(/Any id/).fill(made.message)
    await page.getByRole('dialog').getByText(made.message).click()
    await page.waitForURL(`**/story/${made.message}`)
    await page.getByText('payment.completed').first().waitFor()
    await looked(window)
  })

  async function speak({ page }: Window, language: string): Promise<void> {
    await page.goto('/')
    const { csrf } = (await (await page.request.get('/v1/session')).json()) as { csrf: string }
    const body = JSON.stringify({ language })
    const answer = await page.request.patch('/v1/member', {
      headers: { 'content-type': 'application/json', 'trilho-csrf': csrf },
      data: body,
    })
    assert.equal(answer.status(), 200)
    await page.reload()
  }
})

const pagesOf = (made: Record<string, string>): string[] => [
  '/',
  '/connections',
  `/connections/${made['connection']}`,
  '/connections/catalog',
  '/calls',
  `/calls/${made['call']}`,
  '/inbound',
  `/inbound/sources/${made['source']}`,
  '/outbound',
  `/outbound/subscriptions/${made['subscription']}`,
  `/outbound/subscriptions/${made['subscription']}/edit`,
  `/story/${made['message']}`,
  '/payments',
  `/payments/${made['payment']}`,
  '/analytics',
  '/settings',
  '/settings/alerts',
  '/settings/audit',
  '/settings/account',
]

/** Until what was asked for has come, and nothing turns any more. */
async function goTo({ page }: Window, path: string): Promise<void> {
  await page.goto(path)
  try {
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.locator('.mantine-Loader-root').first().waitFor({ state: 'detached' })
  } catch {
    throw new Error(`${path} shows: ${(await page.locator('body').innerText()).slice(0, 500)}`)
  }
}

/** One of each thing there is to look at. */
async function liven({ api, sandbox }: Product) {
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe of the shop',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_dashboard' },
  })
  const secret = 'whsec_dashboard_0123456789abcdef'
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [secret],
  })
  const subscription = await api.ok('POST', '/v1/subscriptions', {
    name: 'The shop',
    url: `${sandbox.url}/bin/dashboard`,
    event_types: ['*'],
  })
  const call = await api.ok('POST', `/v1/connections/${connection['id']}/calls`, {
    method: 'GET',
    path: '/v1/payment_intents',
  })
  const payment = await api.ok('POST', '/v1/payments', {
    connection_id: connection['id'],
    money: { amount: '15050', currency: 'BRL' },
    source: 'pm_card_visa',
  })
  const orders = { url: source['url'], secret, events: ['payment_intent.succeeded'], count: 3 }
  await fetch(`${sandbox.url}/stripe/_control/webhooks`, { method: 'POST', body: JSON.stringify(orders) })
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const [message] = await api.list('/v1/messages')
  const id = (thing: Json | undefined) => String(thing?.['id'])
  return {
    connection: id(connection),
    source: id(source),
    subscription: id(subscription),
    message: id(message),
    delivery: id(delivery),
    call: id(call),
    payment: id(payment),
  }
}
