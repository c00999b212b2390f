import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Page, Request } from 'playwright-core'
import { withoutBrowser } from './browser.ts'
import { type Dashboard, looked, startDashboard } from './dashboard.ts'
import { eventually, type Json, type Product } from './product.ts'

// What the operations person reads off charts and lists, and what they do from there, in a real browser.

const HOUR_MS = 3_600_000
const TOKEN = 'a-token-of-the-watch'
/** More than a page of the inbox holds. */
const MANY = 210

describe('watching from the dashboard', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
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
      credentials: { secret_key: 'sk_test_watch' },
    })
    connection = String(id)
    await product.api.ok('POST', '/v1/subscriptions', {
      name: 'The shop',
      url: `${product.sandbox.url}/bin/watch`,
      event_types: ['*'],
    })
    await receiveMany()
  })

  async function receiveMany(): Promise<void> {
    const source = await product.api.ok('POST', '/v1/sources', {
      provider: 'http',
      name: 'Of the watch',
      settings: { signature: 'token', signature_header: 'x-token', event_id: 'id', event_type: 'type' },
      secrets: [TOKEN],
    })
    const headers = { 'content-type': 'application/json', 'x-token': TOKEN }
    for (let n = 0; n < MANY; n++) {
      const body = JSON.stringify({ id: `m${n}`, type: n === 0 ? 'order.lost' : 'order.paid' })
      assert.equal((await fetch(String(source['url']), { method: 'POST', headers, body })).status, 200)
    }
    await eventually(async () => {
      const { types } = await product.api.ok('GET', '/v1/messages/types')
      return (types as Json[]).every(({ states }) => !('pending' in (states as Json)))
    })
    await eventually(async () => (await product.api.list('/v1/deliveries?state=delivered'))[0])
  }

  for (const [chart, place, list] of [
    ['Received webhooks', '/inbound', '/v1/messages'],
    ['Delivery attempts', '/outbound/deliveries', '/v1/deliveries'],
  ] as const) {
    test(`a click on a bar of ${chart.toLowerCase()} leads to what is of its time`, async () => {
      const window = await at('/')
      const { page } = window
      const asked: URL[] = []
      page.on('request', (request: Request) => asked.push(new URL(request.url())))
      await clickBar(page, chart, place)
      const params = new URL(page.url()).searchParams
      const [from, to] = [params.get('from') ?? '', params.get('to') ?? '']
      assert.equal(Date.parse(to) - Date.parse(from), HOUR_MS)
      const span = await eventually(async () =>
        asked.find(({ pathname, searchParams }) => pathname === list && searchParams.has('since')),
      )
      assert.deepEqual([span.searchParams.get('since'), span.searchParams.get('until')], [from, to])
      // What crossed at the turn of an hour may be counted in one and have been made in the other.
      const [newest] = await product.api.list(`${list}?since=${from}&until=${to}&limit=1`)
      if (newest) await page.locator(`a[href$="/${newest['id']}"]`).first().waitFor()
      else await page.getByText('Nothing matches these filters.').waitFor()
      await looked(window)
    })
  }

  test('webhooks are counted by type over the whole period, both ways', async () => {
    const window = await at('/analytics')
    const { page } = window
    const received = page.getByRole('region', { name: 'Received webhooks by type' })
    const row = (name: string) => received.getByRole('row').filter({ hasText: name })
    await row('order.paid')
      .getByRole('cell', { name: String(MANY - 1), exact: true })
      .waitFor()
    await row('order.lost').getByRole('cell', { name: '1', exact: true }).waitFor()
    const sent = page.getByRole('region', { name: 'Sent webhooks by type' })
    const [delivered] = await product.api.list('/v1/deliveries?state=delivered&limit=1')
    await sent.getByText(String(delivered?.['event_type']), { exact: true }).waitFor()
    await row('order.lost').getByRole('link').click()
    await page.waitForURL('**/inbound?*event_type=order.lost*')
    await received.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'order.lost', exact: true }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'order.paid' }).count(), 0)
    await looked(window)
  })

  test('the list of connections says how old credentials are', async () => {
    const window = await at('/connections')
    const card = window.page.getByRole('article', { name: 'Stripe of the shop' })
    await card.getByText('Credentials set').locator('time').waitFor()
    await looked(window)
  })

  test('a call that was refused is tried again from its story, as it was asked', async () => {
    const path = '/v1/payment_intents/pi_nobody_knows'
    const asked = { method: 'GET', path }
    const call = await product.api.ok('POST', `/v1/connections/${connection}/calls`, asked)
    assert.equal(call['state'], 'refused')
    const window = await at(`/story/${call['id']}`)
    const { page } = window
    await page.getByRole('link', { name: 'Try it again…' }).first().click()
    await page.waitForURL(`**/calls/tester?call=${call['id']}`)
    await eventually(async () => (await page.getByLabel('Path').inputValue()) === path)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('table', { name: 'On its way' }).getByText('Attempt 1').waitFor()
    // The row is closed beside the reply.
    const again = await eventually(async () => {
      const refused = await product.api.list(`/v1/calls?connection_id=${connection}&state=refused`)
      return refused.length > 1 && refused
    })
    assert.deepEqual(
      again.map((one) => [one['method'], one['path']]),
      [
        ['GET', path],
        ['GET', path],
      ],
    )
    await looked(window)
  })

  test('a payment is asked for in a form, shown before it is sent, and made once', async () => {
    const window = await at('/payments')
    const { page } = window
    const go = () => page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('link', { name: 'New payment' }).first().click()
    await go()
    await page.getByText('Is required').first().waitFor()
    const amount = page.getByLabel('Amount')
    // Read in one way alone, whatever language the page speaks; what is no amount is said, and nothing is asked for.
    for (const [written, read] of [
      ['150,50', '150.50'],
      ['R$ 1.234,5', '1,234.50'],
      ['1,234', '1,234.00'],
      ['1.234', '1,234.00'],
      ['1.234.50', null],
      ['12.345,678', null],
      ['0', null],
    ] as const) {
      await amount.fill(written)
      await amount.blur()
      assert.equal(await amount.inputValue(), read ?? written)
      assert.equal(
        await page.getByText('This is no amount. Write one such as 1,234.50.').count(),
        read ? 0 : 1,
      )
    }
    await go()
    assert.equal(await page.getByRole('dialog').count(), 0)
    await amount.fill('150,50')
    await page.getByLabel('Means of payment').fill('pm_card_visa')
    await page.getByLabel('Description').fill('Order 1042')
    await go()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/R\$\s?150\.50 are charged at once to pm_card_visa, through Stripe/).waitFor()
    assert.deepEqual(await product.api.list('/v1/payments'), [])
    await dialog.getByRole('button', { name: 'Charge' }).click()
    await page.waitForURL('**/payments/pay_*')
    await page.getByText('Completed', { exact: true }).first().waitFor()
    const [made, ...others] = await product.api.list('/v1/payments')
    assert.deepEqual([made?.['money'], others], [{ amount: '15050', currency: 'BRL' }, []])
    // Without a means of payment the payer finishes it, and what they need for that is shown.
    await page.goto('/payments/new')
    await page.getByLabel('Amount').fill('99')
    await go()
    await dialog.getByRole('button', { name: 'Ask for it' }).click()
    await page.getByText('The payment is made; the payer has to finish it.').waitFor()
    await page.getByText(/_secret_/).waitFor()
    await page.getByRole('link', { name: 'See the payment' }).click()
    await page.getByRole('heading', { name: /^R\$\s?99\.00$/ }).waitFor()
    await looked(window)
  })
})

/** The newest bar there is. What is shown meanwhile may move it, so it is looked for until the click has led on. */
async function clickBar(page: Page, chart: string, place: string): Promise<void> {
  const bar = page.getByRole('img', { name: new RegExp(`^${chart}`) }).locator('.recharts-bar-rectangle path')
  const has_led = () => new URL(page.url()).pathname === place
  await bar.first().waitFor()
  await eventually(async () => {
    if (has_led()) return true
    const box = await bar
      .last()
      .boundingBox({ timeout: 1_000 })
      .catch(() => null)
    if (!box) return has_led()
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    await page.mouse.move(x - 1, y)
    await page.mouse.move(x, y)
    await page
      .locator('.recharts-tooltip-cursor')
      .first()
      .waitFor({ timeout: 1_000 })
      .catch(() => null)
    if (has_led()) return true
    await page.mouse.click(x, y)
    await page.waitForURL((url) => url.pathname === place, { timeout: 2_000 }).catch(() => null)
    return has_led()
  })
}
