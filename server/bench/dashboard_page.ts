import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** What the bench does in a browser, and what the page itself saw of it. */
type Who = NonNullable<BrowserContextOptions['storageState']>

const PASSWORD = 'trilhos de ferro e madeira'

/** Somebody signs up by the link of the first start, and stays signed in by what this gives. */
export async function signUp(browser: Browser, url: string, link: string): Promise<Who> {
  const context = await browser.newContext({ baseURL: url, locale: 'en' })
  const page = await context.newPage()
  await page.goto(`/#/welcome?token=${link.split('?token=')[1]}`)
  await page.getByLabel('Your name').fill('Ana Souza')
  await page.getByLabel('E-mail').fill('ana@example.com')
  await page.getByLabel('Password').first().fill(PASSWORD)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const state = await context.storageState()
  await context.close()
  return state
}

/** Since the navigation began: when the first figures or rows stood there, and when nothing was awaited any more. */
export type Opened = {
  figures_ms: number
  whole_ms: number
  script_bytes: number
  /** What the page itself took of a processor, whatever else the machine was doing. */
  cpu_ms: number
}

/** Opens a page in a browser that has nothing of it yet. */
export async function openPage(browser: Browser, url: string, who: Who, path: string): Promise<Opened> {
  const context = await browser.newContext({ baseURL: url, storageState: who, viewport: WINDOW })
  const page = await context.newPage()
  const cpuMs = await cpuOf(page)
  await page.addInitScript(WATCH)
  await page.goto(path)
  const opened = await page.evaluate<Omit<Opened, 'cpu_ms'>>('window.whole')
  const cpu_ms = await cpuMs()
  await context.close()
  return { ...opened, cpu_ms }
}

/** The processor's time that the page's own thread took so far. */
async function cpuOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
  }
}

const WINDOW = { width: 1280, height: 800 }

/** Looks at each frame: a chart or a row is a figure; whole is all charts drawn, and nothing turns or stands for what comes. */
const WATCH = `
  window.whole = new Promise((resolve) => {
    let figures_ms = 0
    const look = () => {
      const has = (what) => document.querySelectorAll(what).length
      const charts = has('main [role=img]')
      if (!figures_ms && (charts || has('main tbody tr') > 10)) figures_ms = performance.now()
      const is_waiting = has('.mantine-Loader-root') + has('.mantine-Skeleton-root') > 0 || has('.recharts-surface') < charts
      if (!figures_ms || is_waiting) return requestAnimationFrame(look)
      const scripts = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'))
      const script_bytes = scripts.reduce((sum, one) => sum + one.encodedBodySize, 0)
      resolve({ figures_ms, whole_ms: performance.now(), script_bytes })
    }
    requestAnimationFrame(look)
  })`

export type Scrolled = {
  rows: number
  pages: number
  frames: number
  p50: number
  p95: number
  p99: number
  longest: number
  /** Of the frames, those that took more than 50 ms. */
  slow_share: number
  /** The same of a page at rest just before: what the machine does to it, whatever the page does. */
  rest_slow_share: number
  /** What drawing a row that comes took of a processor, with all that belongs to it. */
  cpu_ms_per_row: number
  heap_mb: number
  took_s: number
}

/** Turns the wheel over the table of calls until so many rows have gone by; pages come as they are needed. */
export async function scrollCalls(browser: Browser, url: string, who: Who, rows: number): Promise<Scrolled> {
  const context = await browser.newContext({ baseURL: url, storageState: who, viewport: WINDOW })
  const page = await context.newPage()
  let pages = 0
  page.on('request', (request) => {
    if (/\/v1\/calls\?.*cursor=/.test(request.url())) pages++
  })
  await page.goto('/calls?range=30d')
  await page.getByRole('region', { name: 'Calls' }).hover()
  await page.evaluate(FRAMES)
  await page.waitForTimeout(REST_MS)
  const rest_slow_share = slowShare(await page.evaluate<number[]>('window.frames_ms.splice(0)'))
  const cpuMs = await cpuOf(page)
  const cpu_before = await cpuMs()
  const began = performance.now()
  while ((await seen(page)) < rows && performance.now() - began < 300_000) await page.mouse.wheel(0, WHEEL_PX)
  const cpu_ms = (await cpuMs()) - cpu_before
  const took_s = (performance.now() - began) / 1000
  const frames = (await page.evaluate<number[]>('window.frames_ms')).toSorted((a, b) => a - b)
  const heap_mb = (await page.evaluate<number>('performance.memory.usedJSHeapSize')) / 1_000_000
  const reached = await seen(page)
  await context.close()
  const at = (share: number) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))] ?? 0
  return {
    rows: reached,
    pages,
    frames: frames.length,
    ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) },
    slow_share: slowShare(frames),
    rest_slow_share,
    cpu_ms_per_row: cpu_ms / reached,
    heap_mb,
    took_s,
  }
}

const slowShare = (frames_ms: number[]) => frames_ms.filter((ms) => ms > 50).length / frames_ms.length

const REST_MS = 10_000
/** A quick flick of the wheel: eight rows. */
const WHEEL_PX = 352

const FRAMES = `
  window.frames_ms = []
  let before = performance.now()
  const frame = (now) => {
    window.frames_ms.push(now - before)
    before = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)`

const seen = (page: Page) =>
  page.evaluate<number>(`Math.round(document.querySelector('[role=region]').scrollTop / 44)`)
