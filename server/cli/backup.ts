import type { BackedUp } from '../platform/backup/backup.ts'
import type { Config } from '../platform/config.ts'
import type { RegisterCommand } from './cli.ts'
import { count, examples, type Io, type Printed, show } from './output.ts'

type Options = Printed & { includeMasterKey?: true }
type Report = Omit<BackedUp, 'header'> & {
  tenants: number
  tables: number
  rows: number
  holds_master_key: boolean
  /** Where the key is that opens its secrets; null where it was not found. */
  master_key: string | null
}

/** Everything in one file, beside a running server or without one. */
export const backup: RegisterCommand = (program, io) => {
  const command = program
    .command('backup [file]')
    .description(
      'Write the whole database, as it is at this moment, into one file: DATABASE_URL, or the embedded one of the data folder. A running server goes on working.',
    )
    .option('--include-master-key', 'put the master key in: whoever reads the file then reads every secret')
    .action(async (file: string | undefined, options: Options) => {
      const { loadConfig } = await import('../platform/config.ts')
      const config = loadConfig()
      const report = await backUp(config, {
        file: file ?? defaultName(new Date()),
        product_version: program.version() ?? '',
        include_master_key: options.includeMasterKey ?? false,
      })
      show(io, options, report, (made) => toText(io, made))
    })
  examples(command, 'backup', 'backup /backups/trilho-monday.backup.gz', 'backup --include-master-key --json')
}

const defaultName = (now: Date): string =>
  `trilho-${now.toISOString().slice(0, 19).replaceAll(':', '')}.backup.gz`

type Wanted = { file: string; product_version: string; include_master_key: boolean }

async function backUp(
  config: Config,
  { file, product_version, include_master_key }: Wanted,
): Promise<Report> {
  const { systemClock: clock } = await import('../platform/clock.ts')
  const backups = await import('../platform/backup/backup.ts')
  const { findMasterKey } = await import('../platform/vault/vault.ts')
  const { withDatabase } = await import('./whole_database.ts')
  return withDatabase(config, async ({ owner }) => {
    const found = await findMasterKey(config)
    const master_key = include_master_key ? await backups.keyToInclude(owner, found, clock) : null
    const made = await backups.makeBackup({ owner, file, product_version, now: clock.now(), master_key })
    const { header, ...rest } = made
    return {
      ...rest,
      tenants: header.tenants,
      tables: header.tables.length,
      rows: header.tables.reduce((sum, { rows }) => sum + rows, 0),
      holds_master_key: master_key !== null,
      master_key: found && backups.placeOf(found),
    }
  })
}

function toText(
  io: Io,
  { file, bytes, tenants, tables, rows, holds_master_key, master_key }: Report,
): string {
  const size = `${count(rows, 'row')} of ${count(tables, 'table')}, ${count(tenants, 'tenant')}, ${(bytes / 1e6).toFixed(1)} MB`
  const key = holds_master_key
    ? 'THIS BACKUP HOLDS THE MASTER KEY: whoever reads the file reads every secret. Guard it as you guard the key.'
    : `This backup does not hold the master key, without which no secret in it opens. ${
        master_key === null
          ? 'The key was not found here either: see that you have it.'
          : `Keep the key with it, in another place: it is ${master_key}.`
      }`
  return `${io.paint('green', 'Backed up')} to ${file}: ${size}\n${io.paint('yellow', key)}`
}
