import type { Settings } from '../../kit/fields.ts'
import { compileFilter } from '../../kit/filter.ts'
import { refuseUnjudged, Unjudged } from '../../kit/json_schema.ts'
import { checkSteps } from '../../kit/mapping/mapping.ts'
import type { Provider } from '../../kit/provider.ts'
import { checkSource, unboundFault } from '../../kit/source_faults.ts'
import { forget, inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { type FieldError, Problem } from '../../platform/errors.ts'
import { fromWire, type Kind, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { countsOfSources, dropArrivals, type SourceCounts, writeCounts } from '../metrics/metrics.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { rangeFault } from './guards.ts'
import { findNewest } from './message_queries.ts'
import { changeOptions, type SourceOptions } from './options.ts'
import { keepRegistered, withdraw } from './registrations.ts'
import { type CreateSource, toSource, type UpdateSource } from './schema.ts'
import * as queries from './source_queries.ts'
import { addressOf, partSettings, readHidden, readSecrets, writeHidden, writeSecrets } from './sources.ts'
import { freeLanesOf } from './waiting_queries.ts'

/**
 * The way in. A source is an address that one provider posts to. What verifies is stored to the byte with its
 * work in one commit, and only then answered; what does not is kept apart with the reason. Each event is taken
 * once, by the vendor's id of it. A worker turns messages into events, exactly once in effect.
 */

export { type Asked, decideBy } from './decisions.ts'
export type { About, Reaction } from './interpret.ts'
export { listMessagesOf, listMessagesSince, listProofsOf } from './message_queries.ts'
export * from './messages.ts'
export * from './quarantine.ts'
export { findQuarantined } from './quarantine_queries.ts'
export { anyInLaneBefore, readBacklog, SOONEST_MESSAGE } from './queries.ts'
export { receive } from './receive.ts'
export { findSource } from './source_queries.ts'
export { readStory, senderAt } from './story.ts'
export { sandboxAt } from './test_message.ts'

export async function createSource(app: App, actor: Actor, input: CreateSource) {
  const { tenant_id } = actor
  const provider = providerOf(app, input.provider)
  const { name, description = null, settings = {}, options = {}, secrets = [], is_default = false } = input
  refuseFaults(checkSource(provider, settings, secrets), secrets)
  refuseFaults(unboundFault(provider, settings as Settings), secrets)
  refuseOptions(app, options)
  const id = app.newId()
  const connection_id = input.connection_id
    ? fromWire('connection', input.connection_id, 'connection_id')
    : null
  const { open, hidden } = partSettings(provider, settings as Settings)
  const row = {
    tenant_id,
    id,
    provider: provider.id,
    name,
    description,
    connection_id,
    settings: open,
    options,
    is_default,
  }
  const stored = await inTenant(app.db, tenant_id, async (tx) => {
    await queries.insertSource(tx, row)
    if (secrets.length > 0) await writeSecrets(app, tx, tenant_id, id, secrets)
    await writeHidden(app, tx, tenant_id, id, hidden)
    forget(tx, 'source', toWire('source', id))
    await audit(tx, actor, 'source.create', toWire('source', id), { provider: provider.id, name })
    return found('source', await queries.findSource(tx, tenant_id, id), id)
  }).catch((error) => explain(error, provider.id))
  return { ...reply(app, stored, NOTHING), secrets: secrets.length }
}

export async function readSource(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  await writeCounts(app)
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = found('source', await queries.findSource(tx, tenant_id, id), id)
    const { length } = await readSecrets(app, tx, tenant_id, id)
    return { ...reply(app, row, await countsOf(tx, tenant_id, id)), secrets: length }
  })
}

export async function listSources(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('source', input)
  const { tenant_id } = actor
  await writeCounts(app)
  const { rows, counts } = await inTenant(app.db, tenant_id, async (tx) => {
    const listed = await queries.listSources(tx, tenant_id, limit, before)
    const ids = listed.map(({ id }) => id)
    return { rows: listed, counts: await countsOfSources(tx, tenant_id, ids) }
  })
  return toPage('source', rows, limit, (row) => reply(app, row, counts(row.id)))
}

export async function updateSource(app: App, actor: Actor, wire_id: string, input: UpdateSource) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  const { secrets, options, connection_id, ...change } = input
  return inTenant(app.db, tenant_id, async (tx) => {
    const before = found('source', await queries.findSource(tx, tenant_id, id), id)
    const provider = providerOf(app, before.provider)
    const in_force = secrets ?? (await readSecrets(app, tx, tenant_id, id))
    const settings = {
      ...(await readHidden(app, tx, tenant_id, id)),
      ...((input.settings ?? before.settings) as Settings),
    }
    refuseFaults(checkSource(provider, settings, in_force), in_force)
    if (input.settings) refuseFaults(unboundFault(provider, settings), in_force)
    const { open, hidden } = partSettings(provider, settings)
    await writeHidden(app, tx, tenant_id, id, hidden)
    const changed = options && changeOptions(before.options as SourceOptions, options)
    if (changed) refuseOptions(app, changed)
    const given = {
      ...change,
      ...(connection_id !== undefined && {
        connection_id: connection_id && fromWire('connection', connection_id, 'connection_id'),
      }),
      ...(input.settings && { settings: open }),
      ...(changed && { options: changed }),
    }
    const row = found('source', await queries.updateSource(tx, tenant_id, id, given), id)
    if (secrets) await writeSecrets(app, tx, tenant_id, id, secrets)
    await keepRegistered(app, tx, { tenant_id, source_id: id }, input)
    forget(tx, 'source', wire_id)
    await audit(tx, actor, 'source.update', wire_id, { changed: Object.keys(input) })
    return { ...reply(app, row, await countsOf(tx, tenant_id, id)), secrets: in_force.length }
  }).catch((error) => explain(error, 'this provider'))
}

export async function deleteSource(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  await writeCounts(app) // or they would be written once it is gone; what other processes counted goes by `forgetCounts`
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteSource(tx, tenant_id, id))) throw missing('source', wire_id)
    await withdraw(app, tx, { tenant_id, source_id: id })
    await freeLanesOf(tx, tenant_id, id)
    await dropArrivals(tx, { tenant_id, source_id: id })
    await app.vault.drop(tx, { tenant_id, owner_id: id })
    forget(tx, 'source', wire_id)
    await audit(tx, actor, 'source.delete', wire_id)
  })
  app.db.notify('trilho_inbox', 'lane')
}

const NOTHING = { received: 0, duplicates: 0, quarantined: 0, refused: 0, last_received_at: null }

/** The newest message that is kept may have come through another process, which has not written yet what it counted. */
async function countsOf(tx: Tx, tenant_id: string, source_id: string): Promise<SourceCounts> {
  const counts = (await countsOfSources(tx, tenant_id, [source_id]))(source_id)
  const newest = await findNewest(tx, tenant_id, source_id)
  return newest ? { ...counts, last_received_at: timeOfId(newest) } : counts
}

/** Without what the provider calls a secret: it is in the vault, or was written here before there was one for it. */
function reply(app: App, row: queries.SourceRow, counts: SourceCounts) {
  const provider = app.providers.get(row.provider)
  const settings = provider ? partSettings(provider, row.settings as Settings).open : row.settings
  return toSource({ ...row, settings }, addressOf(app, row.provider, row.id), counts)
}

function providerOf(app: App, id: string): Provider {
  const provider = app.providers.get(id)
  if (provider?.webhooks) return provider
  const able = [...app.providers.values()].filter(({ webhooks }) => webhooks).map((one) => one.id)
  throw new Problem('invalid_request', {
    field: 'provider',
    detail: `${id} is no provider that sends webhooks; these are: ${able.join(', ')}`,
  })
}

/** A source may be made before its secret is known: many vendors show it only once they have the address. */
function refuseFaults(errors: FieldError[], secrets: string[]): void {
  const faults = secrets.length === 0 ? errors.filter(({ field }) => field !== 'secrets') : errors
  const [first] = faults
  if (!first) return
  throw new Problem('invalid_settings', {
    field: first.field,
    detail: `${first.field} ${first.reason}`,
    errors: faults,
  })
}

/** What no schema of ours can say of the options. */
function refuseOptions({ config }: App, options: SourceOptions): void {
  const { allowed_ips = [], duplicates = {}, filter, mapping = [], response, schema } = options
  if (filter) compileFilter(filter, 'options.filter')
  checkSteps(mapping, 'options.mapping')
  const [range] = allowed_ips.flatMap((one) => rangeFault(one) ?? [])
  if (range) throw new Problem('invalid_request', { field: 'options.allowed_ips', detail: range })
  if (duplicates.by === 'fields' && !duplicates.fields) {
    const detail = 'say which: places in the body, such as data.order.id'
    throw new Problem('invalid_request', { field: 'options.duplicates.fields', detail })
  }
  const kept_hours = config.retention_records_days * 24
  if ((duplicates.window_hours ?? 0) > kept_hours) {
    const detail = `copies are known for as long as messages are kept, ${kept_hours} hours (TRILHO_RETENTION_RECORDS_DAYS); say that or less`
    throw new Problem('invalid_request', { field: 'options.duplicates.window_hours', detail })
  }
  const ours = Object.keys(response?.headers ?? {}).find((name) => OF_THE_CONNECTION.test(name))
  if (ours !== undefined) {
    const field = `options.response.headers.${ours}`
    const detail = `${ours} is set by the connection or by content_type; leave it out`
    throw new Problem('invalid_request', { field, detail })
  }
  if (schema) refuseSchema(schema)
}

/** Said twice, they split the answer: a sender that is strict takes it for none, and sends again. */
const OF_THE_CONNECTION =
  /^(connection|content-length|content-type|date|keep-alive|te|trailer|transfer-encoding|upgrade)$/i

function refuseSchema(schema: Record<string, unknown>): void {
  try {
    refuseUnjudged(schema)
  } catch (error) {
    if (!(error instanceof Unjudged)) throw error
    throw new Problem('invalid_request', { field: 'options.schema', detail: `the schema ${error.message}` })
  }
}

function explain(error: unknown, provider: string): never {
  if (sqlState(error) === '23505') {
    throw new Problem('conflict', {
      field: 'is_default',
      detail: `there is a default source of ${provider} already`,
    })
  }
  if (sqlState(error) === '23503') {
    throw new Problem('invalid_request', { field: 'connection_id', detail: 'there is no such connection' })
  }
  throw error
}

const missing = (kind: Kind, id: string) => new Problem('not_found', { detail: `there is no ${kind} ${id}` })

function found<Row>(kind: Kind, row: Row | undefined, id: string): Row {
  if (row === undefined) throw missing(kind, toWire(kind, id))
  return row
}
