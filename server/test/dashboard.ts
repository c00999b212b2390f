import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DASHBOARD = fileURLToPath(new URL('../../dashboard/', import.meta.url))

/** Builds the dashboard and the portal where `npm ci` has not (`--ignore-scripts`). */
export async function builtDashboard(): Promise<void> {
  if (['index', 'portal'].every((page) => existsSync(`${DASHBOARD}dist/${page}.html`))) return
  const { status, stderr } = spawnSync(process.execPath, [`${DASHBOARD}build.ts`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the dashboard was not built: ${stderr}`)
}
