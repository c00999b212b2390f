import { statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config } from './config.ts'
import { once } from './database/database.ts'

/**
 * How much room the disk of the embedded PostgreSQL has left, looked at now and then. PostgreSQL ends in the middle of
 * its work when it cannot write, so new work is refused before that. An external one is watched by whoever runs it.
 */
export const LOW_BYTES = 5_000_000_000
export const FULL_BYTES = 1_000_000_000

/** Null until it was looked at, and where it is not ours to look at. */
export type Disk = { free_bytes: number | null }

const LOOK_MS = 10_000

/** The disk of a process's settings; the first who asks has it watched. */
export const diskOf = once((config: Config): Disk => {
  const disk: Disk = { free_bytes: null }
  if (config.database_url !== undefined) return disk
  const look = async () => {
    disk.free_bytes = await freeBytes(config.data_dir).catch(() => null)
  }
  void look()
  setInterval(look, LOOK_MS).unref()
  return disk
})

export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(resolve(dir))
  return bavail * bsize
}

export const isFull = ({ free_bytes }: Disk): boolean => free_bytes !== null && free_bytes < FULL_BYTES

/** What is to be done about it; null while there is room. */
export function diskWarning({ free_bytes }: Disk): string | null {
  if (free_bytes === null || free_bytes >= LOW_BYTES) return null
  const free = `${(free_bytes / 1e9).toFixed(1)} GB are free on the disk of the database`
  return free_bytes < FULL_BYTES
    ? `${free}: webhooks are answered 503 until there is room. Make some, or shorten the retention.`
    : `${free}: below 1 GB webhooks are refused. Make room, or shorten the retention.`
}
