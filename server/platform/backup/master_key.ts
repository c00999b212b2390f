import type { Clock } from '../clock.ts'
import type { Db } from '../database/database.ts'
import { StartError } from '../start_error.ts'
import { createVault, type MasterKey } from '../vault/vault.ts'
import type { Header } from './format.ts'

/** The key to put into a backup. `StartError` where there is none, or it is not the one that opens these secrets. */
export async function keyToInclude(owner: Db, found: MasterKey | null, clock: Clock): Promise<Buffer> {
  if (!found) {
    throw new StartError(
      'There is no master key here to put in: set TRILHO_MASTER_KEY, or TRILHO_DATA_DIR to the folder with master.key.',
    )
  }
  const missing = await createVault({ master_key: found.key, clock }).missingMasters(owner)
  if (missing.length === 0) return found.key
  const previous = found.previous.map((master_key) => createVault({ master_key, clock }).master)
  if (missing.every((master) => previous.includes(master))) {
    throw new StartError(
      `Some keys are still wrapped by the master key before ${placeOf(found)}. Run: trilho vault rewrap, and back up again.`,
    )
  }
  throw new StartError(
    `The master key ${placeOf(found)} is not the one under which these secrets are sealed: a backup with it would open nothing.`,
  )
}

/**
 * The key for what a backup restores: the one that is here, else the one that it holds, else null. `StartError`
 * where the one that is here opens nothing of it and the one that it holds would, since one would hide the other.
 */
export function keyForRestored(header: Header, found: MasterKey | null, clock: Clock): Buffer | null {
  const held = header.master_key === null ? null : Buffer.from(header.master_key, 'base64')
  if (!found || !held) return found?.key ?? held
  const { master } = createVault({ master_key: found.key, clock })
  if (found.key.equals(held) || header.masters.every((wanted) => wanted === master)) return found.key
  throw new StartError(
    `The master key ${placeOf(found)} is another than the one in the backup: ${found.path === null ? 'unset it' : 'move that file away'} and restore again.`,
  )
}

/** Where a master key stands, as the end of "the master key …". */
export const placeOf = ({ path }: MasterKey): string => (path === null ? 'in TRILHO_MASTER_KEY' : path)
