import { isDeepStrictEqual } from 'node:util'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { openConnection, updateConnection } from '../connections/connections.ts'
import { indexerOf } from '../events/events.ts'
import { addBank } from './banking.ts'
import { type BankRow, findByContract, takeTurn } from './queries.ts'
import type { CreateBank } from './schema.ts'

/**
 * Who speaks the contract sends no idempotency key: a bank is known by what was sent to connect it, and sent again it is
 * that bank, with the number it has. Another name, client or setting makes another one, since a person may have two of
 * one institution. What is only renewed at a bank, as secrets and certificates are, takes the place of what was there.
 */
export async function connectBank(app: App, actor: Actor, wanted: CreateBank): Promise<BankRow> {
  const { tenant_id } = actor
  const { user_id } = wanted
  const contract_key = (await indexerOf(app, tenant_id))(identityOf(wanted))
  const { bank, is_known } = await inTenant(app.db, tenant_id, async (tx) => {
    await takeTurn(tx, tenant_id, `connect ${user_id}`)
    const known = await findByContract(tx, tenant_id, user_id, contract_key)
    return {
      bank: known ?? (await addBank(app, tx, actor, wanted, { contract_key })),
      is_known: Boolean(known),
    }
  })
  if (is_known) await renew(app, actor, bank, wanted)
  return bank
}

const RENEWED = new Set([
  ...['client_secret', 'secret', 'certificate', 'certificate_key', 'certificate_authority', 'private_key'],
  ...['private_key_passphrase', 'signing_key', 'encryption_key'],
])

/** In one order, whatever the order of the members was. */
function identityOf({ user_id, name, bank_code, provider, environment, settings, credentials }: CreateBank) {
  const kept = Object.entries(credentials ?? {}).filter(([field]) => !RENEWED.has(field))
  const parts = [user_id, name, bank_code, provider, environment, inOrder(settings), Object.fromEntries(kept)]
  return `bank ${JSON.stringify(parts.map(inOrder))}`
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value ?? null
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([key, member]) => [key, inOrder(member)]))
}

async function renew(app: App, actor: Actor, bank: BankRow, { credentials }: CreateBank): Promise<void> {
  if (bank.connection_id === null || !credentials) return
  const { opened } = await openConnection(app, actor.tenant_id, bank.connection_id)
  const given = Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined))
  if (isDeepStrictEqual(given, { ...opened.credentials })) return
  await updateConnection(app, actor, toWire('connection', bank.connection_id), { credentials: given })
}
