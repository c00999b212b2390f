import type { Settings } from '../../kit/fields.ts'
import type { Mapping, MappingRef, StepReport } from '../../kit/mapping/mapping.ts'
import type { Operation } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import { planOf } from '../../kit/settles.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, worldOf } from '../connections/connections.ts'
import { checkMapping, mappingOf } from '../mappings/mappings.ts'
import {
  checkInput,
  findStored,
  requestOf,
  type StoredOperation,
  storedNames,
} from '../operations/operations.ts'
import { madeAt } from './deadline.ts'
import { inDoubles } from './digits.ts'
import { mapIn } from './mapped.ts'
import type { Waited, Wanted } from './pipeline.ts'
import type { MakeCall } from './schema.ts'

/** From what a caller asks to the request that is to be sent: which operation, what it takes, what is mapped in. */
export type Prepared = {
  /** On whose behalf its operation says. */
  connection: OpenConnection
  wanted: Wanted
  waited: Waited
  named: Named | null
  /** What the operation takes, mapped in. */
  input: unknown
  mapping: Mapping
  /** What the steps of `mapping.in` took. */
  steps: StepReport[]
  trace: boolean
}

/** Of the provider, with its schemas and translation, or stored by the tenant. */
export type Named = OfProvider | { name: string; operation?: undefined; stored: StoredOperation }
/** `settings` are those of the connection. */
type OfProvider = { name: string; operation: Operation; settings: Settings; stored?: undefined }

/** What can be said of a call before anything is run or asked. */
export type Checked = { named: Named | null; mapping: Mapping; given: unknown }

/** Throws only what is the caller's fault. */
export async function checkCall(app: App, connection: OpenConnection, input: MakeCall): Promise<Checked> {
  const named = input.operation === undefined ? null : await findOperation(app, connection, input.operation)
  checkFields(input, named)
  patienceOf(input)
  if (typeof input.mapping !== 'string') checkMapping(input.mapping)
  const given = named ? (input.input ?? {}) : input.body
  if (named?.stored) await checkInput(app, connection.tenant_id, named.stored.definition, given)
  return {
    named,
    mapping: await mappingFor(app, connection, named?.stored?.definition.mapping, input.mapping),
    given,
  }
}

/** Of each direction the nearest: the call's, the operation's, the connection's. */
async function mappingFor(
  app: App,
  { tenant_id, environment, mapping }: OpenConnection,
  ...nearer: (MappingRef | undefined)[]
): Promise<Mapping> {
  const all = [mapping, ...nearer].map((ref) => mappingOf(app, tenant_id, ref, worldOf(environment)))
  return Object.assign({}, ...(await Promise.all(all))) as Mapping
}

/** Some operations of a connection that is somebody's consent are not done in their name. */
function onBehalf(connection: OpenConnection, named: Named | null): OpenConnection {
  const as = named?.operation?.as
  return as === undefined ? connection : { ...connection, opened: { ...connection.opened, as } }
}

/** A provider's own operation reckons with what it is given. */
const passed = (named: Named | null, value: unknown): unknown => (named?.operation ? inDoubles(value) : value)

/** The request, where no mapping has to be run to know it. */
export const knownRequest = ({ named, mapping, given }: Checked, input: MakeCall): HttpRequest | null =>
  (mapping.in ?? []).length > 0 ? null : requestFor(named, input, passed(named, given))

/**
 * `id` is the one the call will have, where it is settled already; `depth` is 1 for a call that enriches another. Throws only what is
 * the caller's fault.
 */
export async function prepareCall(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  input: MakeCall,
  { id: settled, depth = 0, waited = {} }: { id?: string; depth?: number; waited?: Waited } = {},
): Promise<Prepared> {
  const id = settled ?? app.newId()
  const made_ms = settled === undefined ? app.clock.monotonic() : madeAt(app, settled)
  const { named, mapping, given } = await checkCall(app, connection, input)
  const usual = named?.stored?.definition
  const trace = input.trace ?? false
  const options = { trace, depth, parent_id: toWire('call', id), waited }
  const mapped = await mapIn(app, actor, mapping.in ?? [], given, options)
  const { steps, content_type } = mapped
  const value = passed(named, mapped.value)
  const request = requestFor(named, input, value)
  const headers = { ...(content_type !== null && { 'content-type': content_type }), ...request.headers }
  const timeout_ms = input.timeout_ms ?? usual?.timeout_ms
  const plan = planOf(named?.operation?.settles, value)
  const wanted: Wanted = {
    id,
    made_ms,
    operation: named?.name ?? null,
    request: {
      ...request,
      headers,
      ...(timeout_ms !== undefined && { timeout_ms }),
      ...(input.idempotency_key !== undefined && { idempotency_key: input.idempotency_key }),
    },
    retries: input.retries ?? usual?.retries,
    patience_ms: patienceOf({ ...usual, ...input }),
    ...(plan && { plan }),
    ...waited,
    named_by: idsOf(named, value, null, input.idempotency_key),
  }
  const on = onBehalf(connection, named)
  return { connection: on, wanted, waited, named, input: value, mapping, steps, trace }
}

const MOST_IDS = 20

/** By what a call is found: what its operation says, and the caller's own key. */
export const idsOf = (named: Named | null, input: unknown, output: unknown, key?: string): string[] =>
  [key, ...(named?.operation?.external_ids?.(input, output) ?? [])]
    .filter((id): id is string => typeof id === 'string' && id !== '')
    .slice(0, MOST_IDS)

const LONGEST_PATIENCE_MS = 30_000

function patienceOf({ on_limit, wait_ms }: Pick<MakeCall, 'on_limit' | 'wait_ms'>): number {
  if (on_limit === 'wait') return wait_ms ?? LONGEST_PATIENCE_MS
  if (wait_ms === undefined) return 0
  throw new Problem('invalid_request', {
    field: 'wait_ms',
    detail: 'wait_ms says how long to wait; set on_limit to wait, or leave it out',
  })
}

async function findOperation(app: App, connection: OpenConnection, name: string): Promise<Named> {
  const { settings, provider } = connection.opened
  const { operations, id } = provider
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (operation) return { name, operation, settings }
  const stored = await findStored(app, connection, name)
  if (stored) return { name, stored }
  const known = [...Object.keys(operations), ...(await storedNames(app, connection))].slice(0, 50)
  throw new Problem('invalid_request', {
    field: 'operation',
    detail: `${id} has no operation ${name}; it has ${known.join(', ') || 'none; give method and path'}`,
  })
}

/** What belongs together: an operation takes `input`, a plain request says what it is. */
function checkFields(input: MakeCall, named: Named | null): void {
  const refuse = (field: string, why: string): never => {
    throw new Problem('invalid_request', { field, detail: `${field} ${why}` })
  }
  if (named) {
    for (const field of ['method', 'path', 'query', 'body', 'encoding'] as const)
      if (input[field] !== undefined) refuse(field, 'is set by the operation; leave it out')
    return
  }
  if (input.input !== undefined) refuse('input', 'belongs to an operation; name one, or leave it out')
  for (const field of ['method', 'path'] as const)
    if (input[field] === undefined) refuse(field, 'is missing: give method and path, or an operation')
}

function requestFor(named: Named | null, input: MakeCall, value: unknown): HttpRequest {
  if (named?.operation) return withHeaders(operationRequest(named, value), input)
  if (named?.stored) return withHeaders(requestOf(named.stored.definition, value), input)
  const { method = 'GET', path = '/', query, headers, encoding } = input
  return {
    method,
    path,
    ...(query !== undefined && { query }),
    ...(headers !== undefined && { headers }),
    ...(value !== undefined && { body: value }),
    ...(encoding !== undefined && { encoding }),
  }
}

const withHeaders = (request: HttpRequest, { headers }: MakeCall): HttpRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
})

function operationRequest({ operation, settings }: OfProvider, value: unknown): HttpRequest {
  const taken = read(operation.input, value)
  if (taken.ok) return operation.request(taken.value, settings)
  const errors = taken.errors.map(({ field, reason }) => ({
    field: field ? `input.${field}` : 'input',
    reason,
  }))
  const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
  throw new Problem('invalid_request', { field: errors[0]?.field ?? 'input', detail, errors })
}
