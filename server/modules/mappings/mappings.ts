import { checkSteps, type Mapping, type MappingRef } from '../../kit/mapping/mapping.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit, isTestKey } from '../tenants/tenants.ts'
import * as queries from './queries.ts'
import { type CreateMapping, type ReplaceMapping, toNamed, toUser } from './schema.ts'

/**
 * Mappings that a tenant gives a name, to be used by it on connections, stored operations and calls. A change holds for
 * all of them from their next call on. What a production connection uses was written by a live key, and only a live key
 * changes it again. None is deleted while a connection or an operation names it.
 */

export async function createMapping(app: App, actor: Actor, input: CreateMapping) {
  const { tenant_id } = actor
  const { name, ...given } = input
  const row = writtenBy(actor, given)
  return inTenant(app.db, tenant_id, async (tx) => {
    if ((await queries.countMappings(tx, tenant_id)) >= queries.MOST)
      throw new Problem('conflict', { detail: `there are ${queries.MOST} mappings; delete some first` })
    const made = await queries.insertMapping(tx, { tenant_id, name }, row)
    if (!made) throw new Problem('conflict', { field: 'name', detail: `there is a mapping ${name} already` })
    await changed(tx, actor, name, 'create')
    return toNamed(made)
  })
}

/** Replaced as a whole. */
export async function replaceMapping(app: App, actor: Actor, name: string, input: ReplaceMapping) {
  const { tenant_id } = actor
  const row = writtenBy(actor, input)
  return inTenant(app.db, tenant_id, async (tx) => {
    await lock(tx, actor, name)
    const made = await queries.replaceMapping(tx, { tenant_id, name }, row)
    await changed(tx, actor, name, 'replace')
    return toNamed(made)
  })
}

const MOST_TOLD = 10

export async function deleteMapping(app: App, actor: Actor, name: string): Promise<void> {
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    await lock(tx, actor, name)
    const users = await queries.listUsers(tx, { tenant_id, name }, MOST_TOLD + 1)
    if (users.length > 0) {
      const told = users.slice(0, MOST_TOLD).map(inWords).join(', ')
      const detail = `the mapping ${name} is used by ${told}${users.length > MOST_TOLD ? ' and others' : ''}`
      throw new Problem('conflict', { detail })
    }
    await queries.deleteMapping(tx, { tenant_id, name })
    await changed(tx, actor, name, 'delete')
  })
}

const inWords = ({ connection_id, operation }: Pick<queries.User, 'connection_id' | 'operation'>): string => {
  const connection = `connection ${toWire('connection', connection_id)}`
  return operation === '' ? connection : `operation ${operation} of ${connection}`
}

export async function listMappings(app: App, { tenant_id }: Actor) {
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listMappings(tx, tenant_id))
  return { data: rows.map(toNamed) }
}

const MOST_USERS = 100

export async function readMapping(app: App, { tenant_id }: Actor, name: string) {
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findMapping(tx, { tenant_id, name })
    if (!row) throw notFound(name)
    const users = await queries.listUsers(tx, { tenant_id, name }, MOST_USERS)
    return { ...toNamed(row), used_by: users.map(toUser) }
  })
}

/**
 * Refuses steps that could never run and a name that this user may not use, and notes who uses what: to be called with
 * every save of a connection or operation, in its transaction.
 */
export async function keepUse(
  tx: Tx,
  user: queries.User,
  ref: MappingRef | undefined,
  world: queries.World,
): Promise<void> {
  if (typeof ref !== 'string') {
    checkMapping(ref)
    return queries.deleteUse(tx, user)
  }
  usable(await queries.lockMapping(tx, { tenant_id: user.tenant_id, name: ref }), ref, world)
  await queries.putUse(tx, user, ref)
}

/** Nothing is used any more by what is deleted. Those of a connection go with it. */
export const dropUse = (tx: Tx, user: queries.User): Promise<void> => queries.deleteUse(tx, user)

/** What a connection, an operation or a call means by its mapping, as it is now. */
export async function mappingOf(
  app: App,
  tenant_id: string,
  ref: MappingRef | undefined,
  world: queries.World,
): Promise<Mapping> {
  if (typeof ref !== 'string') return ref ?? {}
  const row = await known(app).get(`${tenant_id} ${ref}`)
  return usable(row ?? undefined, ref, world).definition
}

export function checkMapping(mapping: Mapping = {}): void {
  checkSteps(mapping.in ?? [], 'mapping.in')
  checkSteps(mapping.out ?? [], 'mapping.out')
}

function usable(row: queries.MappingRow | undefined, name: string, world: queries.World): queries.MappingRow {
  if (!row) throw new Problem('invalid_request', { field: 'mapping', detail: `there is no mapping ${name}` })
  if (world === 'test' || row.environment === 'live') return row
  const detail = `the mapping ${name} was written by a test key; write it with a live key to use it in production`
  throw new Problem('invalid_request', { field: 'mapping', detail })
}

const known = once((app: App) =>
  remember<queries.MappingRow | null>(app.db, {
    topic: 'mapping',
    load: async (key) => {
      const [tenant_id = '', name = ''] = key.split(' ')
      return (await inTenant(app.db, tenant_id, (tx) => queries.findMapping(tx, { tenant_id, name }))) ?? null
    },
  }),
)

function writtenBy(actor: Actor, { description, ...definition }: ReplaceMapping) {
  checkSteps(definition.in ?? [], 'in')
  checkSteps(definition.out ?? [], 'out')
  const environment: queries.World = isTestKey(actor) ? 'test' : 'live'
  return { environment, description: description ?? null, definition }
}

async function lock(tx: Tx, actor: Actor, name: string): Promise<void> {
  const row = await queries.lockMapping(tx, { tenant_id: actor.tenant_id, name })
  if (!row) throw notFound(name)
  if (row.environment === 'live' && isTestKey(actor)) {
    const detail = `the mapping ${name} was written by a live key, and a test key does not change it`
    throw new Problem('forbidden', { detail })
  }
}

async function changed(tx: Tx, actor: Actor, name: string, verb: string): Promise<void> {
  forget(tx, 'mapping', `${actor.tenant_id} ${name}`)
  await audit(tx, actor, `mapping.${verb}`, name)
}

const notFound = (name: string) => new Problem('not_found', { detail: `there is no mapping ${name}` })
