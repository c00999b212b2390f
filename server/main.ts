import { fileURLToPath } from 'node:url'
import { loadConfig } from './platform/config.ts'
import { StartError } from './platform/start_error.ts'
import { start } from './start.ts'

/** Reads the settings, starts the roles they name, and ends in order when told to. */
export async function main(): Promise<void> {
  let ending = false
  const running = start(loadConfig())
  const end = async (signal: NodeJS.Signals) => {
    if (ending) process.exit(130) // asked twice: now
    ending = true
    try {
      const { app, stop } = await running
      app.log.info({ signal }, 'stopping')
      await stop()
      process.exit(0)
    } catch {
      process.exit(1)
    }
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  try {
    const { notes } = await running
    for (const note of notes) console.log(note)
  } catch (error) {
    console.error(error instanceof StartError ? error.message : error)
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
