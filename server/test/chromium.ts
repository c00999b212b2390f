import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** A real browser, where the machine has one: `apt install chromium`. */
const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
export const withoutBrowser = EXECUTABLE ? false : 'no Chromium is installed'

export function launchBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] // as root, and in containers
  return chromium.launch({ executablePath: EXECUTABLE ?? '', args })
}
