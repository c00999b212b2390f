import { loadConfig } from '../platform/config.ts'
import { StartError } from '../platform/start_error.ts'
import type { RegisterCommand } from './cli.ts'
import { EXIT, examples, failure, type Printed } from './output.ts'

type Options = Printed & { port?: string; host?: string; dataDir?: string; demo: boolean; sandbox: boolean }

/** The server itself, as `npm start`; a flag is the setting of that name. */
export const start: RegisterCommand = (program, io) => {
  const command = program
    .command('start')
    .summary('Start the server')
    .description('Start the server. Every setting of docs/config.md is an environment variable.')
    .option('--port <port>', 'port to listen on; 0 takes any free one (TRILHO_PORT)')
    .option('--host <address>', 'address to listen on (TRILHO_HOST)')
    .option('--data-dir <folder>', 'where the embedded database and the key file are (TRILHO_DATA_DIR)')
    .option('--no-demo', 'make no demo tenant on the first start')
    .option('--no-sandbox', 'run no simulated vendors')
    .action(async (options: Options) => {
      const config = read(options)
      io.outlive()
      const { main } = await import('../main.ts') // the whole server: other commands do without
      await main(
        () => config,
        options.json
          ? ({ url, admin_key, notes }) => io.out(JSON.stringify({ url, admin_key, notes }))
          : undefined,
      )
    })
  examples(command, 'start', 'start --port 8080 --no-demo', 'start --data-dir /var/lib/trilho --host 0.0.0.0')
}

function read({ port, host, dataDir, demo, sandbox }: Options) {
  const flags = {
    ...(port !== undefined && { TRILHO_PORT: port }),
    ...(host !== undefined && { TRILHO_HOST: host }),
    ...(dataDir !== undefined && { TRILHO_DATA_DIR: dataDir }),
    ...(!demo && { TRILHO_DEMO: 'false' }),
    ...(!sandbox && { TRILHO_SANDBOX: 'false' }),
  }
  try {
    return loadConfig(undefined, flags)
  } catch (error) {
    throw error instanceof StartError ? failure(EXIT.usage, error.message) : error
  }
}
