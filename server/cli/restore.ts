import type { Header, OpenedSecrets } from '../platform/backup/backup.ts'
import type { Config } from '../platform/config.ts'
import type { RegisterCommand } from './cli.ts'
import { count, examples, type Io, type Printed, show } from './output.ts'

type Options = Printed & { inspect?: true }
type About = {
  product_version: string
  made_at: string
  postgres: string
  tenants: number
  rows: number
  holds_master_key: boolean
}
type Report = About & {
  /** Run after it, since the backup is of an older version. */
  migrations: string[]
  /** Null where there is no master key to try them with. */
  secrets: OpenedSecrets | null
  master_key_written: boolean
  data_dir: string
}

/** A backup into an empty database, and word of whether its secrets open. */
export const restore: RegisterCommand = (program, io) => {
  const command = program
    .command('restore <file>')
    .description(
      'Put a backup into an empty database: the one in DATABASE_URL, or a new embedded one in the data folder. It succeeds as a whole or changes nothing.',
    )
    .option('--inspect', 'only say what the backup holds and whether this version can restore it')
    .action(async (file: string, options: Options) => {
      const { inspectBackup } = await import('../platform/backup/backup.ts')
      const { loadConfig } = await import('../platform/config.ts')
      const header = await inspectBackup(file)
      if (options.inspect) return show(io, options, about(header), aboutText)
      show(io, options, await restoreFile(loadConfig(), file, header), (report) => toText(io, report))
    })
  examples(
    command,
    'restore trilho-2026-03-02T080000.backup.gz --inspect',
    'restore trilho-2026-03-02T080000.backup.gz',
  )
}

const about = ({ product_version, made_at, postgres, tenants, tables, master_key }: Header): About => ({
  product_version,
  made_at,
  postgres,
  tenants,
  rows: tables.reduce((sum, { rows }) => sum + rows, 0),
  holds_master_key: master_key !== null,
})

async function restoreFile(config: Config, file: string, header: Header): Promise<Report> {
  const { rm } = await import('node:fs/promises')
  const { resolve } = await import('node:path')
  const { systemClock: clock } = await import('../platform/clock.ts')
  const { keyForRestored, restoreBackup, trySecrets } = await import('../platform/backup/backup.ts')
  const { makeRolesOnly, migrate } = await import('../platform/database/database.ts')
  const { createVault, findMasterKey, keepMasterKey, masterKeyFile } = await import(
    '../platform/vault/vault.ts'
  )
  const { withDatabase } = await import('./whole_database.ts')
  const found = await findMasterKey(config)
  const key = keyForRestored(header, found, clock)
  const work = async (db: Parameters<typeof trySecrets>[0], url: string): Promise<Report> => {
    // The key first: data whose key is lost between the two would be worth nothing.
    const master_key_written = key !== null && found === null && (await keepMasterKey(config.data_dir, key))
    await restoreBackup(db.owner, file).catch(async (error: unknown) => {
      if (master_key_written) await rm(masterKeyFile(config.data_dir))
      throw error
    })
    const migrations = await migrate(url)
    const secrets =
      key &&
      (await trySecrets(
        db,
        createVault({ master_key: key, previous_master_keys: found?.previous ?? [], clock }),
      ))
    return { ...about(header), migrations, secrets, master_key_written, data_dir: resolve(config.data_dir) }
  }
  return withDatabase(config, work, makeRolesOnly)
}

const aboutText = (found: About): string =>
  `A backup of ${found.made_at} by Trilho ${found.product_version} on PostgreSQL ${found.postgres}: ${count(found.tenants, 'tenant')}, ${count(found.rows, 'row')}; it ${found.holds_master_key ? 'HOLDS' : 'does not hold'} the master key.`

function toText(io: Io, report: Report): string {
  const lines = [`${io.paint('green', 'Restored.')} ${aboutText(report)}`]
  if (report.migrations.length > 0) lines.push(`Brought up to this version: ${report.migrations.join(', ')}`)
  if (report.master_key_written)
    lines.push(`The master key that it held is now in ${report.data_dir}/master.key.`)
  return [...lines, secretsText(io, report)].join('\n')
}

function secretsText(io: Io, { secrets, data_dir }: Report): string {
  const put = `put master.key into ${data_dir}, or set TRILHO_MASTER_KEY, before you start the server`
  if (!secrets) return io.paint('yellow', `There is no master key here, so no secret opens: ${put}.`)
  const { tenants, opened, missing_masters } = secrets
  if (opened === tenants && missing_masters.length === 0)
    return `The secrets open: tried one of each tenant that has any (${tenants}).`
  return io.paint(
    'red',
    `The secrets of ${tenants - opened} of ${tenants} tenants do not open: the master key here is another one; ${put}.`,
  )
}
