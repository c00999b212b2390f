import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watch } from '../modules/alerts/watch.ts'
import { totpCode } from '../modules/people/totp.ts'
import { assertFits, barriers, openWindow, startBrowser, withoutBrowser } from './browser.ts'
import { builtDashboard, PASSWORD, signUp } from './dashboard.ts'
import { startProduct } from './product.ts'

// Somebody's own account, in a real browser before the real server.

test('whoever lost their phone comes in by a recovery code, and makes new ones', {
  skip: withoutBrowser,
  timeout: 1_100_000,
}, async () => {
  await builtDashboard()
  const product = await startProduct()
  const browser = await startBrowser()
  const state = await signUp(browser, product)
  const { page, complaints, close } = await openWindow(browser, product.url, {
    locale: 'en',
    viewport: { width: 390, height: 844 },
    ...(state && { storageState: state }),
  })
  await page.goto('/settings/account')
  const factor = page.getByRole('region', { name: 'Second factor' })
  await factor.getByLabel('Password').first().fill(PASSWORD)
  await page.getByRole('button', { name: 'Set it up' }).click()
  const shown = page.locator('code').filter({ hasText: /^[A-Z2-7 ]{20,}$/ })
  const secret = (await shown.innerText()).replaceAll(' ', '')
  await page.getByRole('textbox', { name: 'Code' }).fill(totpCode(secret, new Date()))
  await page.getByRole('button', { name: 'Turn it on' }).click()
  const codes = (await page.getByRole('dialog').locator('pre').innerText()).split('\n')
  assert.equal(codes.length, 10)
  assert.deepEqual(await barriers(page), [])
  await assertFits(page)
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await page.getByText('Recovery codes left: 10 of 10.').waitFor()
  assert.deepEqual(complaints, [])

  const out = await openWindow(browser, product.url, { locale: 'en' })
  await out.page.goto('/settings/account')
  await out.page.getByLabel('E-mail').fill('ana@example.com')
  await out.page.getByLabel('Password').first().fill(PASSWORD)
  await out.page.getByRole('button', { name: 'Sign in' }).click()
  await out.page.getByLabel('Code from').waitFor()
  await out.page.getByRole('button', { name: 'Phone lost?' }).click()
  await out.page.getByLabel('Recovery code').fill(codes[0] ?? '')
  assert.deepEqual(await barriers(out.page), [])
  await out.page.getByRole('button', { name: 'Sign in' }).click()
  await out.page.getByText('Recovery codes left: 9 of 10.').waitFor()
  await out.close()

  await page.getByRole('button', { name: 'New recovery codes' }).click()
  await page.getByRole('dialog').getByLabel('Your password').fill(PASSWORD)
  await page.getByRole('dialog').getByRole('button', { name: 'Make new recovery codes' }).click()
  const renewed = (await page.getByRole('dialog').locator('pre').innerText()).split('\n')
  assert.equal(renewed.filter((code) => !codes.includes(code)).length, 10)
  await close()
})

test('who administers all is told on the overview that the disk of the server is nearly full, and takes it on', {
  skip: withoutBrowser,
  timeout: 1_100_000,
}, async () => {
  await builtDashboard()
  const product = await startProduct()
  await product.app.db.owner.pool.query("update alert_rule set threshold = 100 where kind = 'disk_low'")
  await watch(product.app, ['disk_low'])
  const browser = await startBrowser()
  const state = await signUp(browser, product)
  const { page, complaints, close } = await openWindow(browser, product.url, {
    locale: 'en',
    ...(state && { storageState: state }),
  })
  await page.goto('/')
  await page.getByText('of the server’s disk is left').waitFor()
  await page.getByRole('button', { name: 'I am on it' }).click()
  await page.getByText('Somebody is on it').first().waitFor()
  assert.deepEqual(complaints, [])
  await close()
})
