import { checkFields } from '../../kit/fields.ts'
import type { Registration } from '../../kit/registration.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { enqueue } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { useConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './registration_queries.ts'
import { type RegisterSource, toRegistration } from './registration_schema.ts'
import type { UpdateSource } from './schema.ts'
import { findSource, lockSource, type SourceRow } from './source_queries.ts'

/**
 * The address of a source told to its vendor, through the connection of the source. What is wanted is on record with the
 * job that does it before the vendor is asked, so that a crash leaves neither a webhook nobody knows of nor two of them.
 */
export const REGISTRATION = 'inbound.registration'

export async function registerSource(app: App, actor: Actor, wire_id: string, input: RegisterSource) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  const place = { tenant_id, source_id: id }
  const { target = {}, replace = false } = input
  const source = await inTenant(app.db, tenant_id, (tx) => findSource(tx, tenant_id, id))
  const { connection_id, provider } = checkRegistrable(app, wire_id, source, target)
  const { opened } = await useConnection(app, actor, connection_id)
  if (opened.provider.id !== provider)
    throw conflict(`its connection is to ${opened.provider.id}, and it receives the webhooks of ${provider}`)
  return inTenant(app.db, tenant_id, async (tx) => {
    const now = await lockSource(tx, tenant_id, id)
    if (now?.connection_id !== connection_id) throw conflict('the source was changed meanwhile')
    const before = await queries.findRegistration(tx, place)
    if (before && before.vendor_id !== null && !isSameTarget(before.target, target))
      throw conflict('it is registered for another target; unregister that first')
    await queries.wantRegistration(tx, { ...place, connection_id, provider, target, replace })
    await enqueueWork(app, tx, place)
    await audit(tx, actor, 'source.register', wire_id, { target, replace })
    return toRegistration(wire_id, await queries.findRegistration(tx, place))
  })
}

export async function readRegistration(app: App, actor: Actor, wire_id: string) {
  const source_id = fromWire('source', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    if (!(await findSource(tx, tenant_id, source_id))) throw missing(wire_id)
    return toRegistration(wire_id, await queries.findRegistration(tx, { tenant_id, source_id }))
  })
}

export async function unregisterSource(app: App, actor: Actor, wire_id: string) {
  const source_id = fromWire('source', wire_id)
  const { tenant_id } = actor
  const place = { tenant_id, source_id }
  return inTenant(app.db, tenant_id, async (tx) => {
    if (!(await findSource(tx, tenant_id, source_id))) throw missing(wire_id)
    if (await withdraw(app, tx, place)) await audit(tx, actor, 'source.unregister', wire_id)
    return toRegistration(wire_id, await queries.findRegistration(tx, place))
  })
}

/** In the commit that makes it unwanted, be it that the source is deleted. */
export async function withdraw(app: App, tx: Tx, place: queries.Place): Promise<boolean> {
  const turned = await queries.turnRegistration(tx, place, 'unregistering')
  if (turned) await enqueueWork(app, tx, place)
  return turned
}

/** In the commit of an edit of the source: the vendor is told what it changes for it. */
export async function keepRegistered(
  app: App,
  tx: Tx,
  place: queries.Place,
  { connection_id, options, secrets, settings }: UpdateSource,
): Promise<void> {
  const row = await queries.findRegistration(tx, place)
  if (!row) return
  if (connection_id !== undefined && connection_id !== toWire('connection', row.connection_id))
    throw conflict(
      'it is registered at the vendor through its connection; unregister it first',
      'connection_id',
    )
  if (row.state === 'unregistering' || !(options?.['event_types'] !== undefined || secrets || settings))
    return
  await queries.turnRegistration(tx, place, 'registering')
  await enqueueWork(app, tx, place)
}

const enqueueWork = (app: App, tx: Tx, { tenant_id, source_id }: queries.Place): Promise<void> =>
  enqueue(tx, {
    tenant_id,
    id: app.newId(),
    kind: REGISTRATION,
    payload: { source_id },
    due: app.clock.now(),
  })

function checkRegistrable(
  app: App,
  wire_id: string,
  source: SourceRow | undefined,
  target: Record<string, string>,
): { connection_id: string; provider: string } {
  if (!source) throw missing(wire_id)
  const { connection_id, provider } = source
  const registration = app.providers.get(provider)?.webhooks?.registration
  if (!registration)
    throw conflict(`${provider} is told an address in its own pages; only these are by us: ${ableOf(app)}`)
  if (connection_id === null)
    throw conflict('the source names no connection to tell the vendor through; set its connection_id')
  refuseTarget(registration, target)
  return { connection_id, provider }
}

const ableOf = (app: App): string =>
  [...app.providers.values()]
    .flatMap(({ id, webhooks }) => (webhooks?.registration ? [id] : []))
    .sort()
    .join(', ')

function refuseTarget({ fields }: Registration, target: Record<string, string>): void {
  const errors = checkFields('target', fields, target, {})
  const [first] = errors
  if (!first) return
  throw new Problem('invalid_request', {
    field: first.field,
    detail: `${first.field} ${first.reason}`,
    errors,
  })
}

const isSameTarget = (one: Record<string, string>, other: Record<string, string>): boolean =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort())

const conflict = (detail: string, field?: string) =>
  new Problem('conflict', { detail, ...(field !== undefined && { field }) })

const missing = (wire_id: string) => new Problem('not_found', { detail: `there is no source ${wire_id}` })
