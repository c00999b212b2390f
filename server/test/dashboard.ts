import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { Config } from '../platform/config.ts'
import { openWindow, startBrowser, type Window } from './browser.ts'
import { type Product, startProduct } from './product.ts'

const DASHBOARD = fileURLToPath(new URL('../../dashboard/', import.meta.url))

/** Builds the dashboard and the portal where `npm ci` has not (`--ignore-scripts`). */
export async function builtDashboard(): Promise<void> {
  if (['index', 'portal'].every((page) => existsSync(`${DASHBOARD}dist/${page}.html`))) return
  const { status, stderr } = spawnSync(process.execPath, [`${DASHBOARD}build.ts`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the dashboard was not built: ${stderr}`)
}

export const PASSWORD = 'trilhos de ferro e madeira'

/** Ana signs up by the link that the start prints, as the first person, and gives what keeps her signed in. */
export async function signUp(
  browser: Browser,
  { url, notes }: Pick<Product, 'url' | 'notes'>,
): Promise<BrowserContextOptions['storageState']> {
  const link = /http\S+#\/welcome\?token=\S+/.exec(notes.join('\n'))?.[0]
  if (!link) throw new Error(`no link to sign up by: ${notes.join('\n')}`)
  const { page, complaints, close } = await openWindow(browser, url, { locale: 'en' })
  await page.goto(link)
  await page.getByLabel('Your name').fill('Ana Souza')
  await page.getByLabel('E-mail').fill('ana@example.com')
  await page.getByLabel('Password').first().fill(PASSWORD)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  if (complaints.length > 0) throw new Error(complaints.join('\n'))
  const state = await page.context().storageState()
  await close()
  return state
}

/** The product with its dashboard, which Ana has signed up to. */
export type Dashboard = {
  product: Product
  browser: Browser
  /** A window in which she is signed in, at this place. */
  at(path: string, options?: BrowserContextOptions): Promise<Window>
}

export async function startDashboard(changed: Partial<Config> = {}): Promise<Dashboard> {
  await builtDashboard()
  const product = await startProduct(changed)
  product.app.config.public_url = product.url // where people come back to
  const browser = await startBrowser()
  const ana = await signUp(browser, product)
  const known = ana === undefined ? {} : { storageState: ana }
  async function at(path: string, options: BrowserContextOptions = {}): Promise<Window> {
    const window = await openWindow(browser, product.url, { locale: 'en', ...known, ...options })
    await window.page.goto(path)
    return window
  }
  return { product, browser, at }
}

/** Closes a window whose page complained of nothing. */
export async function looked({ complaints, close }: Window): Promise<void> {
  assert.deepEqual(complaints, [])
  await close()
}
