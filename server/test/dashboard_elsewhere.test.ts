import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type Bank, startBank } from '../sandbox/bank/bank.ts'
import { OAUTH_SECRET } from '../sandbox/oauth.ts'
import { connectionTo } from './bank_customer.ts'
import { barriers, openWindow, withoutBrowser } from './browser.ts'
import { type Dashboard, looked, startDashboard } from './dashboard.ts'
import { undoAfter } from './harness.ts'
import { CLIENT, startOidc } from './oidc/oidc.ts'
import { apiOf, type Product } from './product.ts'

// Where the dashboard sends people elsewhere, and they come back: to a vendor, a bank, their company.

describe('the dashboard and other sites', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let browser: Browser
  let at: Dashboard['at']
  let bank: Bank

  before(async () => {
    ;({ product, browser, at } = await startDashboard())
    bank = await startBank({ name: 'Banco Azul', redirect_uri: `${product.url}/oauth/callback` })
    undoAfter(bank.stop)
    await product.api.ok('POST', '/v1/connections', {
      provider: 'open_finance',
      name: 'Azul of Ana',
      environment: 'development',
      ...connectionTo(bank),
    })
  })

  test('a vendor lets a connection in, in a window that closes by itself', async () => {
    const { id } = await product.api.ok('POST', '/v1/connections', {
      provider: 'http',
      name: 'Agenda',
      environment: 'development',
      settings: {
        base_url: `${product.sandbox.url}/oauth`,
        auth: 'oauth2_authorization_code',
        authorize_url: '/authorize',
        token_url: '/token',
      },
      credentials: { client_id: 'agenda', client_secret: OAUTH_SECRET },
    })
    const window = await at(`/connections/${id}`)
    const { page } = window
    await page.getByText('The vendor does not let this connection in yet').waitFor()
    const connect = page.getByRole('button', { name: 'Connect at the vendor' })
    const [popup] = await Promise.all([page.waitForEvent('popup'), connect.click()])
    if (!popup.isClosed()) await popup.waitForEvent('close')
    await page.getByText('The vendor does not let this connection in yet').waitFor({ state: 'detached' })
    const { state } = await product.api.ok('GET', `/v1/connections/${id}/authorization`)
    assert.equal(state, 'connected')
    await looked(window)
  })

  test('a bank is connected, its customer agrees on its page, and it is read', async () => {
    const window = await at('/banks', { ignoreHTTPSErrors: true })
    const { page } = window
    await page.getByRole('heading', { name: 'No banks yet' }).waitFor()
    await page.getByRole('button', { name: 'Connect a bank' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox', { name: 'Connection' }).click()
    await page.getByRole('option', { name: 'Azul of Ana' }).click()
    await dialog.getByLabel('Person').fill('ana')
    await dialog.getByLabel('Name of the bank').fill('Banco Azul')
    await dialog.getByLabel('Code of the bank').fill('001')
    await dialog.getByText('exactly eight').waitFor()
    const found = await barriers(page)
    await dialog.getByLabel('Code of the bank').fill(bank.ispb)
    await dialog.getByText('exactly eight').waitFor({ state: 'detached' })
    await dialog.getByRole('button', { name: 'Connect a bank' }).click()
    await page.getByRole('heading', { level: 1, name: 'Banco Azul' }).waitFor()

    await page.getByRole('link', { name: 'See its consents' }).click()
    await page.getByRole('button', { name: 'Ask for a consent' }).click()
    await dialog.getByLabel('CPF of the person').fill('529.982.247-25')
    found.push(...(await barriers(page)))
    await dialog.getByRole('button', { name: 'Ask for a consent' }).click()
    const open = page.getByRole('link', { name: 'Open the page of the bank' })
    await open.waitFor()
    found.push(...(await barriers(page)))
    const [visit] = await Promise.all([page.waitForEvent('popup'), open.click()])
    await page.locator('[aria-current=step]', { hasText: 'The person decides' }).waitFor()
    await visit.getByRole('button', { name: 'Autorizar' }).click()
    await visit.waitForURL(`${product.url}/banks/**`)
    await page.locator('[aria-current=step]', { hasText: 'The bank may be read' }).waitFor()

    await page.getByRole('button', { name: 'Sync now' }).click()
    await page
      .getByRole('status')
      .getByText(/ new, /)
      .waitFor()
    await page.getByRole('tab', { name: 'Accounts' }).click()
    await page.getByText('Checking account').first().waitFor()
    assert.deepEqual(found, [])
    await looked(window)
  })

  test('what a bank told is filtered, put under a category, and taken away', async () => {
    const [known] = await product.api.list('/v1/banks')
    const accounts = await product.api.list(`/v1/banks/${known?.['id']}/accounts`)
    const { id: account } = accounts.find(({ kind }) => kind === 'checking') ?? {}
    const window = await at(`/banks/${known?.['id']}?tab=transactions&account_id=${account}&status=booked`)
    const { page } = window
    await page.getByRole('button', { name: 'Set a category' }).first().click()
    await page.getByRole('dialog').getByLabel('Category').fill('bread')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('cell', { name: 'bread' }).waitFor()
    await page.getByRole('textbox', { name: 'Category' }).fill('bread')
    await page.waitForURL('**category=bread**')
    await page
      .getByRole('region', { name: 'Transactions' })
      .getByRole('row')
      .nth(2)
      .waitFor({ state: 'detached' })
    const [told] = await product.api.list('/v1/bank-transactions?category=bread')
    const csv = await take(page, 'As CSV')
    assert.deepEqual(
      csv
        .trim()
        .split('\r\n')
        .map((line) => line.split(',')[0]),
      ['id', told?.['id']],
    )
    const ofx = await take(page, 'As OFX')
    assert.deepEqual([ofx.match(/<STMTTRN>/g)?.length, ofx.includes(String(told?.['id']))], [1, true])
    await looked(window)
  })

  test('all banks are read at once, each with what came of it, and a consent is taken back', async () => {
    const [known] = await product.api.list('/v1/banks')
    const window = await at('/banks')
    const { page } = window
    await page.getByRole('button', { name: 'Sync these banks' }).click()
    const line = page.getByRole('dialog').getByRole('row', { name: /Banco Azul/ })
    await line.getByText('0 new').waitFor()
    await page.goto(`/banks/${known?.['id']}?tab=consents`)
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.locator('[aria-current=step]', { hasText: 'Over' }).waitFor()
    await page.getByText('Told to the bank').waitFor()
    await page.locator('dd', { hasText: /^Yes$/ }).waitFor()
    const [consent] = await product.api.list(`/v1/banks/${known?.['id']}/consents`)
    assert.equal(consent?.['state'], 'REJECTED')
    await page.getByRole('button', { name: 'Sync now' }).click()
    await page.getByRole('status').getByText('Skipped').waitFor()
    await looked(window)
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
    await window.page.getByText('Azul of Ana').first().waitFor()
    assert.equal(await window.page.getByRole('link', { name: 'New connection' }).count(), 0)
    await window.close()
  })
})

/** What an entry of the menu of exports brings. */
async function take(page: Page, how: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click()
  const item = page.getByRole('menuitem', { name: how })
  const [file] = await Promise.all([page.waitForEvent('download'), item.click()])
  return readFile(await file.path(), 'utf8')
}
