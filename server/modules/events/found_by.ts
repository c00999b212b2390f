import { spellingsOf } from '../../kit/personal.ts'
import { inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { type Kind, PREFIXES, parseWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import * as queries from './queries.ts'

/** What things are found by: ids of others, CPF, e-mail and phone, kept as blind indexes alone. */

/** The blind index of a tenant's values, to be made without asking anybody. */
export const indexerOf = (app: App, tenant_id: string): Promise<(value: string) => Buffer> =>
  indexers(app).get(tenant_id)

const indexers = once((app: App) =>
  remember(app.db, {
    topic: 'blind_index',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => app.vault.indexer(tx, tenant_id)),
  }),
)

/** What leads from these values to a thing, each once; texts that are too long for an id lead nowhere. */
export async function leadTo(
  app: App,
  { tenant_id, kind, ref_id }: { tenant_id: string; kind: string; ref_id: string },
  values: readonly string[],
): Promise<queries.ExternalId[]> {
  const index = await indexerOf(app, tenant_id)
  return [...new Set(values)]
    .filter((value) => value !== '' && value.length <= LONGEST)
    .map((value) => ({ tenant_id, value_hmac: index(value), kind, ref_id }))
}

const LONGEST = 255

/** Ids of one kind that a value leads to, newest first; also under the other spellings of a phone. */
export async function listFound(
  app: App,
  tx: Tx,
  tenant_id: string,
  value: string,
  page: { kind: string; below: string | null; limit: number },
): Promise<string[]> {
  return queries.listRefs(tx, tenant_id, await hashesOf(app, tx, tenant_id, value), page)
}

const hashesOf = (app: App, tx: Tx, tenant_id: string, value: string): Promise<Buffer[]> =>
  Promise.all(spellingsOf(value).map((one) => app.vault.blindIndex(tx, tenant_id, one)))

const MOST_FOUND = 100

/**
 * The things an id leads to, newest first, and whether there are more than these: an id of ours to itself and, a
 * message's, to the events it became; a vendor's through the blind index.
 */
export async function search(
  app: App,
  actor: Actor,
  q: string,
): Promise<{ data: { kind: string; id: string }[]; is_more: boolean }> {
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, async (tx) =>
    queries.findByExternalId(tx, tenant_id, await hashesOf(app, tx, tenant_id, q), MOST_FOUND + 1),
  )
  const own = (Object.keys(PREFIXES) as Kind[]).find((kind) => parseWire(kind, q) !== null)
  const found = rows
    .slice(0, MOST_FOUND)
    .map(({ kind, ref_id }) => ({ kind, id: toWire(kind as Kind, ref_id) }))
  return { data: own ? [...found, { kind: own, id: q }] : found, is_more: rows.length > MOST_FOUND }
}
