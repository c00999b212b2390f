import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DASHBOARD = fileURLToPath(new URL('../../dashboard/', import.meta.url))

/** Builds the dashboard where `npm ci` has not (`--ignore-scripts`). */
export async function builtDashboard(): Promise<void> {
  if (existsSync(`${DASHBOARD}dist/index.html`)) return
  const { status, stderr } = spawnSync(process.execPath, [`${DASHBOARD}build.ts`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the dashboard was not built: ${stderr}`)
}
