import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { totpCode } from '../modules/people/totp.ts'
import { openWindow, type Window, withoutBrowser } from './browser.ts'
import { type Dashboard, looked, PASSWORD, startDashboard } from './dashboard.ts'
import { apiOf, eventually, type Product } from './product.ts'

// Whoever administers the installation, and somebody they stop, each in a browser of their own.

describe('people of all tenants', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let browser: Browser
  let at: Dashboard['at']
  /** Of Bia, who is a member of one tenant. Her browser is told no now and then. */
  let bia: Window

  before(async () => {
    ;({ product, browser, at } = await startDashboard())
    const { url, admin_key, api } = product
    const acting = { authorization: `Bearer ${admin_key}`, 'trilho-tenant': api.tenant_id }
    const admin = apiOf(url, acting, '', api.tenant_id)
    const { link } = await admin.ok('POST', '/v1/members', { email: 'bia@example.com', role: 'operator' })
    bia = await openWindow(browser, url, { locale: 'en' })
    await bia.page.goto(String(link))
    await bia.page.getByLabel('Your name').fill('Bia Ramos')
    await bia.page.getByLabel('E-mail').fill('bia@example.com')
    await bia.page.getByLabel('Password').first().fill(PASSWORD)
    await bia.page.getByRole('button', { name: 'Start' }).click()
    await bia.page.getByRole('heading', { name: 'Overview' }).waitFor()
  })

  /** Chooses what is done with Bia, and says yes to what follows from it. */
  async function decide(page: Page, what: string, consequence: RegExp): Promise<void> {
    await page.getByRole('button', { name: 'What can be done with Bia Ramos' }).click()
    await page.getByRole('menuitem', { name: what }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(consequence).waitFor()
    await dialog.getByRole('button', { name: what }).click()
    await dialog.waitFor({ state: 'detached' })
  }

  /** Within a second: a look that comes before it is no failure. */
  const signedOut = () =>
    eventually(async () => {
      await bia.page.goto('/')
      await bia.page
        .getByRole('button', { name: /^(Sign in|Find anything)$/ })
        .first()
        .waitFor()
      return (await bia.page.getByRole('button', { name: 'Sign in' }).count()) === 1
    })

  async function signIn(): Promise<void> {
    await signedOut()
    await bia.page.getByLabel('E-mail').fill('bia@example.com')
    await bia.page.getByLabel('Password').first().fill(PASSWORD)
    await bia.page.getByRole('button', { name: 'Sign in' }).click()
  }

  /** Of Bia's row. */
  const row = (page: Page, text: string) =>
    page.getByRole('row', { name: /Bia Ramos/ }).getByText(text, { exact: true })

  test('somebody is signed out everywhere, suspended, and let in again', async () => {
    const window = await at('/settings/people')
    const { page } = window
    await row(page, 'Mercado Azul: Operator').waitFor()
    await decide(page, 'Sign out everywhere', /Whoever knows the password may come in again/)
    await page.getByText('Bia Ramos was signed out everywhere.').waitFor()
    await signIn()
    await bia.page.getByRole('heading', { name: 'Overview' }).waitFor()

    await decide(page, 'Suspend', /nobody comes in as them in any company/)
    await row(page, 'Suspended').waitFor()
    await signIn()
    await bia.page.getByText(/Your account is suspended/).waitFor()

    await decide(page, 'Let in again', /with the places they have/)
    await row(page, 'Active').waitFor()
    await signIn()
    await bia.page.getByRole('heading', { name: 'Overview' }).waitFor()
    await looked(window)
  })

  test('a second factor whose phone was lost is reset, and the password alone lets its person in', async () => {
    const { csrf } = await ask(bia.page, 'GET', '/v1/session')
    const totp = (body: object) => ask(bia.page, 'POST', '/v1/member/totp', body, String(csrf))
    const { secret } = await totp({ action: 'begin', password: PASSWORD })
    const on = await totp({ action: 'confirm', code: totpCode(String(secret), new Date()) })
    assert.equal(on['has_totp'], true, JSON.stringify(on))
    const window = await at('/settings/people?email=bia@example.com')
    const { page } = window
    await row(page, 'On').waitFor()
    await decide(page, 'Reset the second factor', /the password alone lets them in/)
    await row(page, 'Off').waitFor()
    assert.equal(await page.getByText('Ana Souza').count(), 0)
    await signIn()
    await bia.page.getByRole('heading', { name: 'Overview' }).waitFor()
    await looked(window)
  })

  test('nobody is offered what would lock them out, and who administers one company sees no people', async () => {
    const window = await at('/settings/people')
    const { page } = window
    await page.getByRole('button', { name: 'What can be done with Ana Souza' }).click()
    const offered = page.getByRole('menuitem')
    await offered.first().waitFor()
    assert.deepEqual(await offered.allTextContents(), ['Sign out everywhere'])
    await looked(window)
    await bia.page.goto('/settings/people')
    await bia.page.getByRole('tab', { name: 'Your account' }).waitFor()
    assert.equal(await bia.page.getByRole('tab', { name: 'People' }).count(), 0)
  })

  test('who may only look and mend is offered no payment', async () => {
    const { page } = bia
    await page.goto('/payments')
    await page.getByText('No payments yet').waitFor()
    assert.equal(await page.getByRole('link', { name: 'New payment' }).count(), 0)
    await page.goto('/payments/new')
    await page.getByText('You may not make payments').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Go on' }).count(), 0)
    await bia.close()
  })
})

/** What a page of ours would ask. */
const ask = (page: Page, method: string, path: string, body?: object, csrf = '') =>
  page.evaluate(
    async ({ method, path, body, csrf }) => {
      const headers = { 'trilho-csrf': csrf, ...(body && { 'content-type': 'application/json' }) }
      const answer = await fetch(path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      return (await answer.json()) as Record<string, unknown>
    },
    { method, path, body, csrf },
  )
