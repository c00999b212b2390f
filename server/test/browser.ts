import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Frame, Page } from 'playwright-core'
import { launchBrowser } from './chromium.ts'
import { undoAfter } from './harness.ts'

export { withoutBrowser } from './chromium.ts'

export async function startBrowser(): Promise<Browser> {
  const browser = await launchBrowser()
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
  context.setDefaultTimeout(90_000)
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

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What WCAG 2.2 AA finds wrong, as lines that name the rule and the place; of `rule` alone where one is named. */
export async function barriers(page: Page | Frame, rule?: string): Promise<string[]> {
  if (await page.evaluate("!('axe' in globalThis)")) await page.evaluate(axe.source)
  // What is on its way from one colour to another is in neither.
  await page.evaluate(
    'document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())',
  )
  const only = rule === undefined ? { type: 'tag', values: WCAG } : { type: 'rule', values: [rule] }
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    return (await axe.run({ runOnly: runOnly as import('axe-core').RunOnly, resultTypes: ['violations'] }))
      .violations
  }, only)
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help} at ${html.slice(0, 200)}`),
  )
}

/** Nothing stands out of the window to the side. */
export async function assertFits(page: Page | Frame): Promise<void> {
  // A phone makes its window as wide as what stands out of it: only the page itself still says what it was given.
  const [width = 0, given = 0] = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )
  assert.ok(width <= given, `the page is ${width} pixels wide in a window of ${given}`)
}
