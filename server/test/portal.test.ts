import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, describe, test } from 'node:test'
import type { Browser, Frame } from 'playwright-core'
import { assertFits, barriers, openWindow, startBrowser, type Window, withoutBrowser } from './browser.ts'
import { builtDashboard } from './dashboard.ts'
import { undoAfter } from './harness.ts'
import { eventually, type Json, type Product, startProduct } from './product.ts'

// The portal as the customer of a tenant meets it: a real browser, in a frame of another site and by itself.

const MOST_SCRIPT_BYTES = 175_000

describe('the portal', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let browser: Browser
  /** The port of a site that shows a page in a frame. */
  let port: number
  let framed = ''

  before(async () => {
    await builtDashboard()
    product = await startProduct()
    browser = await startBrowser()
    const site = createServer((_request, response) => {
      const frame = `<iframe src="${framed}" title="Webhooks" style="border:0;width:390px;height:800px"></iframe>`
      response.setHeader('content-type', 'text/html')
      response.end(
        `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">${frame}`,
      )
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    undoAfter(async () => {
      site.closeAllConnections()
      site.close()
    })
    port = (site.address() as AddressInfo).port
  })

  const makeLink = (customer: string, more: Json = {}) =>
    product.api.ok('POST', '/v1/portal/links', { customer, ...more })

  async function looked(window: Window): Promise<void> {
    assert.deepEqual(window.complaints, [])
    await window.close()
  }

  test('in a frame of the tenant’s site: an address is added, tested, looked at, sent again', async () => {
    const origin = `http://localhost:${port}`
    const { url } = await makeLink('shop-1', { locale: 'en', frame_origins: [origin] })
    framed = String(url)
    const window = await openWindow(browser, origin)
    await window.page.goto('/')
    const frame = await frameOf(window)
    await frame.getByRole('link', { name: 'Add an address' }).click()
    await frame.getByLabel('Name').fill('Order service')
    await frame.getByLabel('Address').fill(`${product.sandbox.url}/bin/shop-1`)
    await frame.getByRole('combobox', { name: 'Events' }).click()
    await frame.getByRole('option', { name: 'payment.completed' }).click()
    const found = await barriers(frame)
    await frame.getByRole('heading', { level: 1 }).click()
    await frame.getByRole('button', { name: 'Add an address' }).click()
    await frame.getByRole('button', { name: 'Send a test event' }).click()
    await frame.getByRole('link', { name: 'webhook.test' }).click()
    await frame.getByText('HTTP 200').first().waitFor()
    found.push(...(await barriers(frame)))
    await frame.getByRole('button', { name: 'Send again' }).click()
    await frame.getByRole('button', { name: /Attempt 2/ }).waitFor()
    await assertFits(frame)
    assert.deepEqual(found, [])
    const [made] = await product.api.list('/v1/subscriptions?customer=shop-1')
    assert.equal(made?.['name'], 'Order service')
    await looked(window)
  })

  test('a site that the tenant has not named cannot frame it', async () => {
    const { url } = await makeLink('shop-1', { frame_origins: [`http://localhost:${port}`] })
    framed = String(url)
    const window = await openWindow(browser, `http://127.0.0.1:${port}`)
    await window.page.goto('/')
    await eventually(async () => window.complaints.some((line) => line.includes('frame-ancestors')))
    assert.equal(await window.page.frameLocator('iframe').getByRole('heading').count(), 0)
    await window.close()
  })

  test('every place of it can be used by everybody and fits a phone, in the colours of any brand', async () => {
    const theme = { brand_name: 'Padaria Central', color: '#facc15', scheme: 'dark' }
    const { url } = await makeLink('shop-2', { locale: 'pt-BR', theme })
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
    const window = await openWindow(browser, product.url, phone)
    const { page } = window
    const places = await fill(String(url))
    await page.goto(String(url))
    await page.getByText('Padaria Central').waitFor()
    assert.equal(new URL(page.url()).hash, '', 'the token does not stay in the address')
    const found: string[] = []
    for (const [place, heading] of places) {
      await page.evaluate(`location.hash = ${JSON.stringify(place)}`)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.locator('.mantine-Loader-root').first().waitFor({ state: 'detached' })
      found.push(...(await barriers(page)).map((barrier) => `${place}: ${barrier}`))
      await assertFits(page)
    }
    assert.deepEqual(found, [])
    await looked(window)
  })

  test('the first load is small, holds in a reload, and says so once the link is revoked', async () => {
    const { id, url } = await makeLink('shop-3', { locale: 'en' })
    const window = await openWindow(browser, product.url)
    const { page, complaints } = window
    await page.goto(String(url))
    await page.getByRole('heading', { name: 'Webhooks' }).waitFor()
    const bytes = await page.evaluate<number>(
      "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).reduce((sum, one) => sum + one.encodedBodySize, 0)",
    )
    assert.ok(bytes > 50_000 && bytes <= MOST_SCRIPT_BYTES, `${bytes} bytes of script`)
    await page.reload()
    await page.getByRole('heading', { name: 'Webhooks' }).waitFor()
    assert.deepEqual(complaints, [])
    await product.api.ok('DELETE', `/v1/portal/links/${id}`)
    await page.reload()
    await page.getByRole('heading', { name: 'This page has expired' }).waitFor()
    await window.close()
  })

  /** An address of the customer with a delivery; gives every place there is, and what it is headed. */
  async function fill(url: string): Promise<[string, string][]> {
    const authorization = `Bearer ${new URL(url).hash.slice(1)}`
    const send = async (path: string, body: Json): Promise<Json> => {
      const headers = { authorization, 'content-type': 'application/json' }
      const at = `${product.url}/v1/portal/subscriptions${path}`
      return (
        await fetch(at, { method: 'POST', headers, body: JSON.stringify(body) })
      ).json() as Promise<Json>
    }
    const bin = `${product.sandbox.url}/bin/shop-2`
    const { id } = await send('', { name: 'Pedidos', url: bin, event_types: ['payment.*', '*'] })
    const { delivery_id } = await send(`/${id}/test`, {})
    await eventually(async () => {
      const deliveries = await product.api.list(`/v1/deliveries?subscription_id=${id}`)
      return deliveries.some(({ state }) => state === 'delivered')
    })
    return [
      ['#/new', 'Adicionar endereço'],
      ['#/', 'Webhooks'],
      [`#/${id}`, 'Pedidos'],
      [`#/${id}/edit`, 'Editar'],
      [`#/${id}/${delivery_id}`, 'webhook.test'],
    ]
  }

  test('a logo that does not load leaves no gap in the head of the page', async () => {
    const theme = { brand_name: 'Mercado Azul', logo_url: 'https://127.0.0.1:1/logo.svg' }
    const { url } = await makeLink('shop-logo', { locale: 'en', theme })
    const window = await openWindow(browser, product.url)
    await window.page.goto(String(url))
    const head = window.page.getByRole('banner')
    await head.getByText('Mercado Azul').waitFor()
    await head.locator('img').waitFor({ state: 'detached' })
    await looked(window)
  })
})

async function frameOf({ page }: Window): Promise<Frame> {
  const element = await page.locator('iframe').elementHandle()
  const frame = await element?.contentFrame()
  assert.ok(frame)
  return frame
}
