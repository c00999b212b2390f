import { type CallLimits, rateFault } from '../../kit/call_limits.ts'
import { checkPlaces, faultsOf, fillTemplate, refusal } from '../../kit/mapping/mapping.ts'
import { path as encoded } from '../../kit/provider.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { checkEnvironment, type OpenConnection, openConnection, worldOf } from '../connections/connections.ts'
import { dropUse, keepUse } from '../mappings/mappings.ts'
import { audit } from '../tenants/tenants.ts'
import { boundedOf } from './mappings.ts'
import * as queries from './queries.ts'
import {
  type CreateOperation,
  type Definition,
  type OperationQuery,
  type ReplaceOperation,
  spelled,
  toDefinition,
  toStored,
} from './schema.ts'

export { boundedOf } from './mappings.ts'
export { ANY_RATED, anyRatedSince } from './queries.ts'
export { StepReports } from './schema.ts'

/**
 * Operations that a tenant stores on a connection: a request with places in it and the mappings around it, called by
 * name as those of the provider, whose names they cannot take. They go with their connection.
 */

export async function createOperation(app: App, actor: Actor, wire_id: string, input: CreateOperation) {
  const connection = await mine(app, actor, wire_id)
  const { name, state = 'enabled', ...definition } = input
  const { method, path, ...more } = definition
  const { provider } = connection.opened
  if (Object.hasOwn(provider.operations, name)) {
    throw new Problem('conflict', {
      field: 'name',
      detail: `${provider.id} has an operation ${name} of its own`,
    })
  }
  await checkDefinition(app, actor.tenant_id, definition)
  const place = placeOf(connection, name)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    if ((await queries.countOperations(tx, actor.tenant_id)) >= queries.MOST) {
      throw new Problem('conflict', {
        detail: `there are ${queries.MOST} stored operations; delete some first`,
      })
    }
    const row = await queries.insertOperation(tx, place, { state, method, path, more })
    if (!row)
      throw new Problem('conflict', { field: 'name', detail: `this connection has an operation ${name}` })
    await keepUse(tx, userOf(place), definition.mapping, worldOf(connection.environment))
    await changed(tx, actor, place, 'create')
    return toStored(row)
  })
}

/** Replaced as a whole. */
export async function replaceOperation(
  app: App,
  actor: Actor,
  wire_id: string,
  name: string,
  input: ReplaceOperation,
) {
  const connection = await mine(app, actor, wire_id)
  const { state = 'enabled', ...definition } = input
  const { method, path, ...more } = definition
  await checkDefinition(app, actor.tenant_id, definition)
  const place = placeOf(connection, name)
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const row = await queries.replaceOperation(tx, place, { state, method, path, more })
    if (!row) throw notFound(name)
    await keepUse(tx, userOf(place), definition.mapping, worldOf(connection.environment))
    await changed(tx, actor, place, 'replace')
    return toStored(row)
  })
}

export async function deleteOperation(app: App, actor: Actor, wire_id: string, name: string): Promise<void> {
  const connection = await mine(app, actor, wire_id)
  const place = placeOf(connection, name)
  await inTenant(app.db, actor.tenant_id, async (tx) => {
    if (!(await queries.deleteOperation(tx, place))) throw notFound(name)
    await dropUse(tx, userOf(place))
    await changed(tx, actor, place, 'delete')
  })
}

export async function readOperation(app: App, actor: Actor, wire_id: string, name: string) {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  const row = (await rowsOf(app, connection)).find((one) => one.name === name)
  if (!row) throw notFound(name)
  return toStored(row)
}

export async function listStoredOperations(app: App, actor: Actor, input: OperationQuery) {
  const { tenant_id } = actor
  const connection_id = input.connection_id
    ? fromWire('connection', input.connection_id, 'connection_id')
    : null
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listOperations(tx, tenant_id, connection_id))
  return { data: rows.map(toStored) }
}

/** Everything the connection can be asked by name: what its provider has, then what is stored. */
export async function listConnectionOperations(app: App, actor: Actor, wire_id: string) {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  const rows = await rowsOf(app, connection)
  const own = Object.entries(connection.opened.provider.operations).map(([name, { input }]) => ({
    name,
    from: 'provider' as const,
    state: 'enabled' as const,
    description: null,
    input_schema: input as Record<string, unknown>,
  }))
  const theirs = rows.map(({ name, state, more }) => ({
    name,
    from: 'stored' as const,
    state,
    description: more.description ?? null,
    input_schema: (more.input_schema ?? null) as Record<string, unknown> | null,
  }))
  return { data: [...own, ...theirs] }
}

export type StoredOperation = { name: string; definition: Definition }

/** A stored operation ready to be called, or null where the connection has none of that name. */
export async function findStored(
  app: App,
  connection: OpenConnection,
  name: string,
): Promise<StoredOperation | null> {
  const row = (await rowsOf(app, connection)).find((one) => one.name === name)
  if (!row) return null
  if (row.state === 'enabled') return { name, definition: toDefinition(row) }
  throw new Problem('conflict', {
    field: 'operation',
    detail: `the operation ${name} is disabled; enable it first`,
  })
}

export const storedNames = async (app: App, connection: OpenConnection): Promise<string[]> =>
  (await rowsOf(app, connection)).map(({ name }) => name)

type StoredRates = CallLimits['operations']

/** The limits that stored operations of a connection have of their own, by name; the same object until one changes. */
export const storedRates = async (app: App, { tenant_id, id }: OpenConnection): Promise<StoredRates> =>
  (await stored(app).get(`${tenant_id} ${id}`)).rates

/** As `storedRates`, of many connections of a tenant. */
export async function storedRatesOf(
  app: App,
  tenant_id: string,
  connection_ids: readonly string[],
): Promise<Map<string, StoredRates>> {
  const rows = await inTenant(app.db, tenant_id, (tx) => queries.listRated(tx, tenant_id, connection_ids))
  const of = Map.groupBy(rows, ({ connection_id }) => connection_id)
  return new Map(
    [...of].map(([id, rated]) => [id, Object.fromEntries(rated.map(({ name, rates }) => [name, rates]))]),
  )
}

/** Those, of the provider and stored, whose answers may be kept. */
export async function cachedOperations(app: App, connection: OpenConnection): Promise<string[]> {
  const own = Object.entries(connection.opened.provider.operations).map(([name, { cache }]) => ({
    name,
    cache,
  }))
  const rows = await rowsOf(app, connection)
  const theirs = rows.map(({ name, more }) => ({ name, cache: more.cache }))
  return [...own, ...theirs].filter(({ cache }) => cache !== undefined).map(({ name }) => name)
}

/** Refuses an input that does not fit the operation's schema, naming each place. */
export async function checkInput(
  app: App,
  tenant_id: string,
  { input_schema }: Definition,
  input: unknown,
): Promise<void> {
  if (!input_schema) return
  const faults = await faultsOf(boundedOf(app, tenant_id), input_schema, input)
  if (faults.length > 0) throw refusal('input', faults)
}

const HAS_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** The request of a stored operation, its places filled from the input as the mapping gave it. */
export function requestOf(definition: Definition, input: unknown): HttpRequest {
  const { method, path, query = {}, headers = {}, body, encoding } = definition
  const filled =
    body === undefined ? (HAS_BODY.has(method) ? input : undefined) : fillTemplate(body, input, 'body')
  return {
    method,
    path: path.replace(PLACE, (_, at: string) => encoded`${placed(at, input, 'path')}`),
    query: Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, scalarOf(value, input, `query.${name}`)]),
    ),
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => {
        const text = scalarOf(value, input, `headers.${name}`)
        return text === undefined ? [] : [[name, text]]
      }),
    ),
    ...(filled !== undefined && { body: filled }),
    ...(encoding !== undefined && { encoding }),
  }
}

const PLACE = /\{([^{}]{1,200})\}/g

function placed(at: string, input: unknown, field: string): string {
  const text = scalarOf(`{{${at}}}`, input, `${field}.${at}`)
  if (text !== undefined && text !== '') return text
  throw new Problem('invalid_request', {
    field: `input.${at}`,
    detail: `input.${at} is missing: the ${field} of this operation needs it`,
  })
}

/** Undefined where nothing stands at the place, which is then left out. */
function scalarOf(template: unknown, input: unknown, field: string): string | undefined {
  const value = fillTemplate(template, input, field)
  if (value === undefined || value === null) return undefined
  const text = spelled(value)
  if (text !== null) return text
  throw new Problem('invalid_request', { field, detail: `${field} must be text, a number or a truth value` })
}

async function checkDefinition(app: App, tenant_id: string, definition: Definition): Promise<void> {
  const { path, query, headers, body, input_schema, rates = [] } = definition
  const fault = rateFault(rates)
  if (fault) throw new Problem('invalid_request', { field: 'rates', detail: `rates ${fault}` })
  for (const [place, template] of Object.entries({ query, headers, body })) checkPlaces(template, place)
  checkPlaces(path.replace(PLACE, '{{$1}}'), 'path')
  if (!input_schema) return
  const [broken] = (await faultsOf(boundedOf(app, tenant_id), input_schema, null)).filter(({ reason }) =>
    reason.startsWith('the schema '),
  )
  if (broken)
    throw refusal('input_schema', [{ field: '', reason: broken.reason.slice('the schema '.length) }])
}

const stored = once((app: App) =>
  remember(app.db, {
    topic: 'operation',
    load: async (key) => {
      const [tenant_id = '', connection_id = ''] = key.split(' ')
      const rows = await inTenant(app.db, tenant_id, (tx) =>
        queries.listOperations(tx, tenant_id, connection_id),
      )
      const rated = rows.flatMap(({ name, more }) => (more.rates ? [[name, more.rates] as const] : []))
      return { rows, rates: Object.fromEntries(rated) }
    },
  }),
)

const rowsOf = async (app: App, { tenant_id, id }: OpenConnection): Promise<queries.OperationRow[]> =>
  (await stored(app).get(`${tenant_id} ${id}`)).rows

async function changed(tx: Tx, actor: Actor, place: queries.Place, verb: string): Promise<void> {
  const { tenant_id, connection_id, name } = place
  forget(tx, 'operation', `${tenant_id} ${connection_id}`)
  await audit(tx, actor, `operation.${verb}`, toWire('connection', connection_id), { name })
}

const placeOf = ({ tenant_id, id }: OpenConnection, name: string): queries.Place => ({
  tenant_id,
  connection_id: id,
  name,
})

const userOf = ({ name, ...place }: queries.Place) => ({ ...place, operation: name })

/** The connection, of the actor's own world: a stored operation says what is done with its credentials. */
async function mine(app: App, actor: Actor, wire_id: string): Promise<OpenConnection> {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  return connection
}

const notFound = (name: string) =>
  new Problem('not_found', { detail: `there is no stored operation ${name} on this connection` })
