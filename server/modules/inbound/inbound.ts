import { checkSource } from '../../kit/messages.ts'
import type { Provider } from '../../kit/provider.ts'
import { forget, inTenant, sqlState } from '../../platform/database/database.ts'
import { type FieldError, Problem } from '../../platform/errors.ts'
import { fromWire, type Kind, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { keptArrival, type Received, store, verifyAt } from './receive.ts'
import {
  type CreateSource,
  type MessageQuery,
  toMessage,
  toQuarantined,
  toRaw,
  toSource,
  type UpdateSource,
} from './schema.ts'
import { addressOf, findActiveSource, readSecrets, writeSecrets } from './sources.ts'

/**
 * The way in. A source is an address that one provider posts to. What verifies is stored to the byte with its
 * work in one commit, and only then answered; what does not is kept apart with the reason. Each event is taken
 * once, by the vendor's id of it. A worker turns messages into events, exactly once in effect.
 */

export { defaultSource, greet, receive } from './receive.ts'

export async function createSource(app: App, actor: Actor, input: CreateSource) {
  const { tenant_id } = actor
  const provider = providerOf(app, input.provider)
  const { name, settings = {}, secrets = [], is_default = false } = input
  refuseFaults(checkSource(provider, settings, secrets), secrets)
  const id = app.newId()
  const connection_id = input.connection_id
    ? fromWire('connection', input.connection_id, 'connection_id')
    : null
  const row = { tenant_id, id, provider: provider.id, name, connection_id, settings, is_default }
  const stored = await inTenant(app.db, tenant_id, async (tx) => {
    await queries.insertSource(tx, row)
    if (secrets.length > 0) await writeSecrets(app, tx, tenant_id, id, secrets)
    forget(tx, 'source', toWire('source', id))
    await audit(tx, actor, 'source.create', toWire('source', id), { provider: provider.id, name })
    return found('source', await queries.findSource(tx, tenant_id, id), id)
  }).catch((error) => explain(error, provider.id))
  return { ...reply(app, stored), secrets: secrets.length }
}

export async function readSource(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = found('source', await queries.findSource(tx, tenant_id, id), id)
    return { ...reply(app, row), secrets: (await readSecrets(app, tx, tenant_id, id)).length }
  })
}

export async function listSources(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('source', input)
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listSources(tx, actor.tenant_id, limit, before),
  )
  return toPage('source', rows, limit, (row) => reply(app, row))
}

export async function updateSource(app: App, actor: Actor, wire_id: string, input: UpdateSource) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  const { secrets, ...change } = input
  const result = await inTenant(app.db, tenant_id, async (tx) => {
    const before = found('source', await queries.findSource(tx, tenant_id, id), id)
    const provider = providerOf(app, before.provider)
    const in_force = secrets ?? (await readSecrets(app, tx, tenant_id, id))
    refuseFaults(checkSource(provider, input.settings ?? before.settings, in_force), in_force)
    const row = found('source', await queries.updateSource(tx, tenant_id, id, change), id)
    if (secrets) await writeSecrets(app, tx, tenant_id, id, secrets)
    forget(tx, 'source', wire_id)
    await audit(tx, actor, 'source.update', wire_id, { changed: Object.keys(input) })
    return { ...reply(app, row), secrets: in_force.length }
  }).catch((error) => explain(error, 'this provider'))
  return result
}

export async function deleteSource(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.deleteSource(tx, tenant_id, id))) throw missing('source', wire_id)
    await app.vault.drop(tx, { tenant_id, owner_id: id })
    forget(tx, 'source', wire_id)
    await audit(tx, actor, 'source.delete', wire_id)
  })
}

export async function listMessages(app: App, actor: Actor, input: MessageQuery) {
  const { limit, before } = readPage('message', input)
  const source_id = input.source_id ? fromWire('source', input.source_id, 'source_id') : null
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listMessages(tx, actor.tenant_id, source_id, limit, before),
  )
  return toPage('message', rows, limit, toMessage)
}

export async function readMessage(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('message', wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findMessage(tx, actor.tenant_id, id))
  if (!row) throw missing('message', wire_id)
  return { ...toMessage(row), ...toRaw(row) }
}

/** Reads and translates a failed or ignored message again, at once. */
export async function replayMessage(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('message', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const message = await queries.findMessage(tx, tenant_id, id)
    if (!message) throw missing('message', wire_id)
    if (!(await queries.requeueMessage(tx, tenant_id, id))) {
      throw new Problem('conflict', {
        detail: `message ${wire_id} is ${message.state}; only a failed or ignored message is processed again`,
      })
    }
    await audit(tx, actor, 'message.replay', wire_id)
    return { ...message, state: 'pending' as const, error: null, closed_at: null }
  })
  app.db.notify('trilho_inbox', 'new')
  return toMessage(row)
}

export async function listQuarantine(app: App, actor: Actor, input: MessageQuery) {
  const { limit, before } = readPage('quarantine', input)
  const source_id = input.source_id ? fromWire('source', input.source_id, 'source_id') : null
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listQuarantine(tx, actor.tenant_id, source_id, limit, before),
  )
  return toPage('quarantine', rows, limit, toQuarantined)
}

export async function readQuarantined(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('quarantine', wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.findQuarantined(tx, actor.tenant_id, id),
  )
  if (!row) throw missing('quarantine', wire_id)
  return { ...toQuarantined(row), ...toRaw(row) }
}

/**
 * Takes a refused message in after all, if it verifies now, once its source's secret or settings are mended. It is
 * stored before it leaves the quarantine: cut off in between, it is there to be released again and known as a copy.
 */
export async function releaseQuarantined(app: App, actor: Actor, wire_id: string): Promise<Received> {
  const id = fromWire('quarantine', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findQuarantined(tx, tenant_id, id))
  if (!row) throw missing('quarantine', wire_id)
  const source = await findActiveSource(app, toWire('source', row.source_id))
  if (!source)
    throw new Problem('conflict', { detail: 'its source was deleted; there is nowhere to release it to' })
  const arrival = keptArrival(source, row)
  const verdict = verifyAt(app, source, arrival, timeOfId(id))
  if (!verdict.ok) {
    throw new Problem('conflict', {
      detail: `it still does not verify: ${verdict.detail}; mend the source first`,
    })
  }
  const received = await store(app, source, arrival)
  await inTenant(app.db, tenant_id, async (tx) => {
    await queries.deleteQuarantined(tx, tenant_id, id)
    await audit(tx, actor, 'quarantine.release', wire_id, { message: received.id })
  })
  return received
}

const reply = (app: App, row: queries.SourceRow) => toSource(row, addressOf(app, row.provider, row.id))

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
