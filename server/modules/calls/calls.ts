import type { Operation } from '../../kit/provider.ts'
import { perSettings } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import {
  checkEnvironment,
  type OpenConnection,
  openConnection,
  useConnection,
} from '../connections/connections.ts'
import { readPage, toPage } from '../wire.ts'
import { type Performed, perform } from './perform.ts'
import type { Wanted } from './pipeline.ts'
import { back, noAnswer, onward, pathBehind, turnedAway } from './proxy.ts'
import * as queries from './queries.ts'
import { recorder } from './record.ts'
import { toReport } from './report.ts'
import { type CallQuery, type MakeCall, toAttempt, toCall } from './schema.ts'

/**
 * Asking a vendor through a connection: authenticated, within its time, tried again where that is safe, and on record
 * before the first byte leaves. The report says what happened; an outcome nobody saw is `unknown`, never a guess.
 */

const USUAL_RETRIES = 3

/** The report as JSON text: see `toReport`. Throws only what is the caller's fault; the vendor's trouble is told. */
export async function makeCall(app: App, actor: Actor, wire_id: string, input: MakeCall): Promise<string> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id))
  const named = input.operation === undefined ? null : operationOf(connection, input.operation)
  const request = named ? operationRequest(named.operation, input) : plainRequest(input)
  const limits = {
    ...(input.timeout_ms !== undefined && { timeout_ms: input.timeout_ms }),
    ...(input.idempotency_key !== undefined && { idempotency_key: input.idempotency_key }),
  }
  const wanted: Wanted = {
    operation: named?.name ?? null,
    request: { ...request, ...limits },
    retries: input.retries ?? USUAL_RETRIES,
    patience_ms: patienceOf(input),
  }
  const performed = await perform(app, actor, connection, wanted)
  const refused = turnedAway(performed)
  if (refused) throw refused
  return toReport(connection, performed, named)
}

const LONGEST_PATIENCE_MS = 30_000

function patienceOf({ on_limit, wait_ms }: MakeCall): number {
  if (on_limit === 'wait') return wait_ms ?? LONGEST_PATIENCE_MS
  if (wait_ms === undefined) return 0
  throw new Problem('invalid_request', {
    field: 'wait_ms',
    detail: 'wait_ms says how long to wait; set on_limit to wait, or leave it out',
  })
}

function operationOf({ opened }: OpenConnection, name: string): { name: string; operation: Operation } {
  const { operations, id } = opened.provider
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (operation) return { name, operation }
  const known = Object.keys(operations).join(', ') || 'none; give method and path'
  throw new Problem('invalid_request', {
    field: 'operation',
    detail: `${id} has no operation ${name}; it has ${known}`,
  })
}

function operationRequest(operation: Operation, input: MakeCall): HttpRequest {
  for (const field of ['method', 'path', 'query', 'body', 'encoding'] as const) {
    if (input[field] === undefined) continue
    throw new Problem('invalid_request', { field, detail: `${field} is set by the operation; leave it out` })
  }
  const taken = read(operation.input, input.input ?? {})
  if (!taken.ok) {
    const errors = taken.errors.map(({ field, reason }) => ({
      field: field ? `input.${field}` : 'input',
      reason,
    }))
    const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
    throw new Problem('invalid_request', { field: errors[0]?.field ?? 'input', detail, errors })
  }
  const request = operation.request(taken.value)
  return { ...request, headers: { ...request.headers, ...input.headers } }
}

function plainRequest({ method, path, query, headers, body, encoding, input }: MakeCall): HttpRequest {
  if (input !== undefined) {
    throw new Problem('invalid_request', {
      field: 'input',
      detail: 'input belongs to an operation; name one, or leave it out',
    })
  }
  if (method === undefined || path === undefined) {
    const field = method === undefined ? 'method' : 'path'
    throw new Problem('invalid_request', {
      field,
      detail: `${field} is missing: give method and path, or an operation`,
    })
  }
  return {
    method,
    path,
    ...(query !== undefined && { query }),
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && { body }),
    ...(encoding !== undefined && { encoding }),
  }
}

export type Proxied = { status: number; headers: Record<string, string>; body: Buffer }

export type ProxyInput = {
  method: HttpRequest['method']
  /** As it came, `/v1/proxy/{connection}` included. */
  url: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  body: Buffer | null
}

/** One request passed on and its answer passed back, both to the byte. No answer is a problem that says why. */
export async function proxy(app: App, actor: Actor, wire_id: string, input: ProxyInput): Promise<Proxied> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id, 'connection'))
  const key = input.headers['idempotency-key']
  const request: HttpRequest = {
    method: input.method,
    path: pathBehind(input.url),
    headers: onward(input.headers),
    ...(input.body !== null && { body: input.body }),
    ...(typeof key === 'string' && { idempotency_key: key }),
  }
  const performed = await perform(app, actor, connection, {
    operation: null,
    request,
    retries: USUAL_RETRIES,
    patience_ms: 0,
  })
  const refused = turnedAway(performed)
  if (refused) throw refused
  if (!performed.response) throw noAnswer(performed)
  const { status, headers, body } = performed.response
  const ours = {
    'trilho-call-id': toWire('call', performed.id),
    'trilho-attempts': String(performed.attempts),
  }
  return { status, headers: { ...back(headers), ...ours }, body }
}

/** The provider's cheapest read, once, and what it says about the connection in words. Disabled ones too. */
export async function testConnection(app: App, actor: Actor, wire_id: string) {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  const { provider, settings } = connection.opened
  const request = perSettings(provider.test, settings)
  const performed = await perform(app, actor, connection, {
    operation: 'test',
    request,
    retries: 0,
    patience_ms: 0,
  })
  const { id, state, response, duration_ms } = performed
  return {
    ok: state === 'succeeded',
    message: testInWords(connection, performed, request.path),
    call_id: toWire('call', id),
    status: response?.status ?? null,
    duration_ms,
  }
}

function testInWords(
  { opened }: OpenConnection,
  { state, response, error }: Performed,
  path: string,
): string {
  const { name } = opened.provider
  if (state === 'succeeded') return `${name} answers and takes the credentials of this connection`
  const said = error ?? 'no answer'
  if (!response) return `${name} was not reached: ${said}`
  const remedy = TEST_REMEDIES[response.status]
  return remedy ? `${said}; ${remedy}` : `${said} to ${path}`
}

const TEST_REMEDIES: Record<number, string> = {
  401: 'check the credentials, and that they belong to this environment',
  403: 'give the credentials the permission to read, or test another path',
  404: 'check the base URL and the path of the test',
}

export async function listCalls(app: App, actor: Actor, input: CallQuery) {
  const { limit, before } = readPage('call', input)
  const { tenant_id } = actor
  const filter: queries.CallFilter = {
    ...(input.connection_id && {
      connection_id: fromWire('connection', input.connection_id, 'connection_id'),
    }),
    ...(input.state && { state: input.state }),
  }
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listCalls(tx, tenant_id, filter, limit, before),
  )
  return toPage('call', rows, limit, toCall)
}

export async function readCall(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('call', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findCall(tx, tenant_id, id)
    if (!row) throw new Problem('not_found', { detail: `there is no call ${wire_id}` })
    const attempts = await queries.listAttempts(tx, tenant_id, id)
    return { ...toCall(row), log: attempts.map(toAttempt) }
  })
}

/** Waits until every call that ended is on record: before the database is closed. */
export const drainCalls = (app: App): Promise<void> => recorder(app).drain()
