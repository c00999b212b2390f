import { perSettings } from '../../kit/provider.ts'
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
import { concludeCall } from './conclude.ts'
import { type Performed, perform } from './perform.ts'
import { prepareCall } from './prepare.ts'
import { back, noAnswer, onward, pathBehind, turnedAway } from './proxy.ts'
import * as queries from './queries.ts'
import { recorder } from './record.ts'
import { type CallQuery, type MakeCall, toAttempt, toCall } from './schema.ts'

/**
 * Asking a vendor through a connection: authenticated, within its time, tried again where that is safe, and on record
 * before the first byte leaves. The report says what happened; an outcome nobody saw is `unknown`, never a guess.
 */

/** The report as JSON text: see `toReport`. Throws only what is the caller's fault; the vendor's trouble is told. */
export async function makeCall(app: App, actor: Actor, wire_id: string, input: MakeCall): Promise<string> {
  const connection = await useConnection(app, actor, fromWire('connection', wire_id))
  const prepared = await prepareCall(app, actor, connection, input)
  const performed = await perform(app, actor, connection, prepared.wanted)
  const refused = turnedAway(performed)
  if (refused) throw refused
  return concludeCall(app, actor, prepared, performed)
}

const USUAL_RETRIES = 3

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
