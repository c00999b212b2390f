import { fileURLToPath } from 'node:url'
import { type Config, loadConfig } from './platform/config.ts'
import { StartError } from './platform/start_error.ts'
import { type Running, start } from './start.ts'

/** Reads the settings, starts the roles they name, and ends in order when told to. */
export async function main(read: () => Config = loadConfig, tell = printNotes): Promise<void> {
  let asked_at = 0
  const running = (async () => start(read()))() // what `read` throws is printed as the rest is
  const end = async (signal: NodeJS.Signals) => {
    // Under npm a terminal's Ctrl-C comes twice at once, from the terminal and from npm: that is one request.
    if (asked_at > 0 && Date.now() - asked_at < 1000) return
    if (asked_at > 0) process.exit(130) // asked again: now
    asked_at = Date.now()
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
    tell(await running)
  } catch (error) {
    console.error(error instanceof StartError ? error.message : error)
    process.exit(1)
  }
}

function printNotes({ notes }: Running): void {
  for (const note of notes) console.log(note)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
