import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { assertFits, barriers, openWindow, startBrowser, type Window, withoutBrowser } from './browser.ts'
import { builtDashboard, looked, PASSWORD, signUp } from './dashboard.ts'
import { beside, crossing, liven, type Made } from './dashboard_pages.ts'
import { type Product, startProduct } from './product.ts'

// The dashboard as people meet it: a real browser before the real server and its sandbox.

const MOST_SCRIPT_BYTES = 250_000

describe('the dashboard', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let browser: Browser
  /** The cookie of Ana, who signed up first. */
  let ana: BrowserContextOptions['storageState']
  let made: Made

  before(async () => {
    await builtDashboard()
    product = await startProduct()
    product.app.config.public_url = product.url // where a bank sends its customer back to
    browser = await startBrowser()
    made = await liven(product)
  })

  /** A window in which Ana is signed in. */
  const asAna = (options: BrowserContextOptions = {}): Promise<Window> =>
    openWindow(browser, product.url, { ...(ana && { storageState: ana }), ...options })

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
    await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor()
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
    // What draws the charts is fetched beside the figures, and holds none of them up.
    const bytes = await page.evaluate<number>(
      "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js') && !name.includes('/chart_drawn')).reduce((sum, one) => sum + one.encodedBodySize, 0)",
    )
    assert.ok(bytes > 50_000 && bytes <= MOST_SCRIPT_BYTES, `${bytes} bytes of script`)
    assert.deepEqual(elsewhere, [])
    await page.getByRole('button', { name: /Ana Souza/ }).click()
    const reference = page.getByRole('menuitem', { name: 'API reference' })
    assert.equal(await reference.getAttribute('href'), '/docs')
    await looked({ page, ...window })
  })

  // A page is opened once and looked at in each language and colour scheme, without being read again.
  for (const [part, places] of [
    ['where things cross the border', crossing],
    ['money, figures and settings', beside],
  ] as const) {
    test(`every page can be used by everybody, in both languages, light and dark: ${part}`, async () => {
      const window = await asAna({ locale: 'en', colorScheme: 'light' })
      await speak(window, 'en')
      const found: string[] = []
      for (const path of places(made)) {
        await goTo(window, path)
        found.push(...(await lookedThrough(window)).map((barrier) => `${path}, ${barrier}`))
      }
      assert.deepEqual(found, [])
      await looked(window)
    })
  }

  test('what is still being read says so to everybody', async () => {
    const window = await asAna()
    const { page } = window
    await goTo(window, '/')
    const gate = Promise.withResolvers<void>()
    await page.route('**/v1/calls?*', async (route) => {
      await gate.promise
      await route.continue()
    })
    await page.goto('/calls')
    await page.getByRole('status', { name: /^(Loading|Carregando)…$/ }).waitFor()
    assert.deepEqual(await barriers(page), [])
    gate.resolve()
    await comeToRest(page)
    await looked(window)
  })

  test('every page fits a phone', async () => {
    const window = await asAna({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    await speak(window, 'pt-BR') // its words are longer
    for (const path of [...crossing(made), ...beside(made)]) {
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

/** What bars somebody from this page, in each language and colour scheme; a scheme changes nothing but colours. */
async function lookedThrough({ page }: Window): Promise<string[]> {
  const found: string[] = []
  const look = async (rule?: string) => {
    const [language, scheme] = await page.evaluate<string[]>(
      '[document.documentElement.lang, document.documentElement.dataset.mantineColorScheme]',
    )
    found.push(...(await barriers(page, rule)).map((barrier) => `${language} ${scheme}: ${barrier}`))
  }
  await look()
  await changeScheme(page)
  await look('color-contrast')
  await changeLanguage(page)
  await look()
  await changeScheme(page)
  await look('color-contrast')
  return found
}

async function changeScheme(page: Page): Promise<void> {
  const before = await page.locator('html').getAttribute('data-mantine-color-scheme')
  const other = before === 'dark' ? 'light' : 'dark'
  await page.emulateMedia({ colorScheme: other })
  await page.locator(`html[data-mantine-color-scheme=${other}]`).waitFor()
}

async function changeLanguage(page: Page): Promise<void> {
  const before = await page.locator('html').getAttribute('lang')
  const other = before === 'en' ? { lang: 'pt-BR', name: 'Português' } : { lang: 'en', name: 'English' }
  await page.getByRole('button', { name: /^(Account of|Conta de)/ }).click()
  const kept = page.waitForResponse((response) => response.request().method() === 'PATCH')
  await page.getByRole('menuitem', { name: other.name }).click()
  await kept
  await page.locator(`html[lang=${other.lang}]`).waitFor()
  await page.getByRole('menuitem').first().waitFor({ state: 'detached' })
  await comeToRest(page) // some of what is shown comes in words of the server's, and is read anew
}

/** Until what was asked for has come, and nothing turns any more. */
async function goTo({ page }: Window, path: string): Promise<void> {
  await page.goto(path)
  try {
    await page.getByRole('heading', { level: 1 }).waitFor()
    await comeToRest(page)
  } catch {
    throw new Error(`${path} shows: ${(await page.locator('body').innerText()).slice(0, 500)}`)
  }
}

const comeToRest = (page: Page) => page.locator('.mantine-Loader-root').first().waitFor({ state: 'detached' })
