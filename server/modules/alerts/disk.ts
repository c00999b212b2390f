import { statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { App } from '../app.ts'
import { type Breach, isOut, plain, type Rules } from './breaches.ts'

/** How much is left where the data folder lies, for the installation's own rule. */
export async function diskBreaches(app: App, rules: Rules): Promise<Breach[]> {
  const free_percent = await freePercent(app)
  return rules.all.map((rule) => plain(rule, '', free_percent, resolve(app.config.data_dir))).filter(isOut)
}

export async function freePercent(app: App): Promise<number> {
  const { bavail, blocks } = await statfs(resolve(app.config.data_dir))
  return Math.round((bavail * 1000) / Math.max(1, blocks)) / 10
}
