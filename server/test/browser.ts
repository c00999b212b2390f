import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Frame, type Page } from 'playwright-core'
import { undoAfter } from './harness.ts'

/** A real browser, where the machine has one: `apt install chromium`. */
const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
export const withoutBrowser = EXECUTABLE ? false : 'no Chromium is installed'

export async function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] // as root, and in containers
  const browser = await chromium.launch({ executablePath: EXECUTABLE ?? '', args })
  undoAfter(() => browser.close())
  return browser
}

/** A person's window on `url`. Whatever the page complains of is kept in `complaints`. */
export type Window = { page: Page; complaints: string[]; close(): Promise<void> }

export async function openWindow(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Window> {
  const context = await browser.newContext({ baseURL: url, reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load'))
      complaints.push(message.text())
  })
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`)
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, complaints, close: () => context.close() }
}

/** What WCAG 2.2 AA finds wrong, as lines that name the rule and the place. */
export async function barriers(page: Page | Frame): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
    return (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations
  })
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help} at ${html.slice(0, 200)}`),
  )
}

/** Nothing stands out of the window to the side. */
export async function assertFits(page: Page | Frame): Promise<void> {
  const [width = 0, inner = 0] = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth, innerWidth]',
  )
  assert.ok(width <= inner, `the page is ${width} pixels wide in a window of ${inner}`)
}
