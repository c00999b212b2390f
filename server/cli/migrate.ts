import type { RegisterCommand } from './cli.ts'
import { examples, type Printed, show } from './output.ts'

export const migrate: RegisterCommand = (program, io) => {
  const command = program
    .command('migrate')
    .summary('Bring the database up to date')
    .description(
      'Bring the database up to date: DATABASE_URL, or the embedded one of the data folder. The server does the same at its start.',
    )
    .option('--pending', 'only say what would run')
    .action(async (options: Printed & { pending?: true }) => {
      const { localDatabase } = await import('./local.ts') // other commands do without the database
      const { loadConfig } = await import('../platform/config.ts')
      const migrations = await import('../platform/database/migrate.ts')
      const database = await localDatabase(loadConfig(), true)
      try {
        const names = options.pending
          ? await migrations.pendingMigrations(database.url)
          : await migrations.migrate(database.url)
        const result = { database: database.from, [options.pending ? 'pending' : 'ran']: names }
        const nothing = 'The database is up to date.'
        show(
          io,
          options,
          result,
          () => names.map((name) => `${options.pending ? 'pending' : 'ran'} ${name}`).join('\n') || nothing,
        )
      } finally {
        await database.close()
      }
    })
  examples(command, 'migrate --pending', 'migrate', 'migrate --json')
}
