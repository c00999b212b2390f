import { openApp } from '../../assemble.ts'
import { closeAbandonedCalls } from '../../modules/calls/jobs.ts'
import { loadConfig } from '../../platform/config.ts'
import { quiet } from '../postgres.ts'
import type { Installation } from './installation.ts'

/**
 * Ends the calls that a killed process left, as the schedule of the product does some minutes later. Called when no
 * process of the product runs, so whatever is still `started` was cut off.
 */
export async function endCutOffCalls({ env }: Installation): Promise<void> {
  const { app, close } = await openApp(loadConfig(env), quiet)
  try {
    await closeAbandonedCalls(app, { older_than_ms: 0 })
  } finally {
    await close()
  }
}
