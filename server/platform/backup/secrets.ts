import { type Database, inTenant } from '../database/database.ts'
import { listSecretPerTenant, type Vault } from '../vault/vault.ts'

/** Tenants that have a secret, how many of them had one opened, and the master keys that are wanting. */
export type OpenedSecrets = { tenants: number; opened: number; missing_masters: string[] }

/** Opens one secret of each tenant, to say of a restored database whether this master key is the right one. */
export async function trySecrets(db: Database, vault: Vault): Promise<OpenedSecrets> {
  const secrets = await listSecretPerTenant(db.owner)
  let opened = 0
  for (const ref of secrets) {
    const plaintext = await inTenant(db, ref.tenant_id, (tx) => vault.get(tx, ref)).catch(() => null)
    if (plaintext !== null) opened += 1
  }
  return { tenants: secrets.length, opened, missing_masters: await vault.missingMasters(db.owner) }
}
