import { type Opened, storable } from '../../kit/transports/http.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import type { EgressRequest } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './body_queries.ts'
import type { Response, Run } from './pipeline.ts'

/**
 * What an attempt sent and was answered, whole, where its connection says so: sealed by the vault, read under a scope
 * of its own, each reading audited, and gone on its day. Secrets, card numbers and what the provider declares sensitive
 * are not even in here.
 */
const KEPT_BYTES = 10_000_000
const DAY_MS = 86_400_000

type Sent = { opened: Opened; request: EgressRequest; response: Response | null }

/** The vendor has answered, whether or not that can be kept. */
export async function keepBodies(run: Run, days: number, { opened, request, response }: Sent): Promise<void> {
  const { app, connection, id: call_id, number } = run
  const { tenant_id } = connection
  const sent = toBytes(request.body)
  const came = toBytes(response?.body)
  const place = { tenant_id, call_id, number }
  await inTenant(app.db, tenant_id, async (tx) =>
    queries.insertBody(tx, {
      ...place,
      keep_until: new Date(app.clock.now().getTime() + days * DAY_MS),
      request: await sealed(app, tx, place, 'request', opened, sent),
      response: await sealed(app, tx, place, 'response', opened, came),
      truncated: [sent, came].some((bytes) => bytes !== null && bytes.length > KEPT_BYTES),
    }),
  ).catch((err: unknown) =>
    app.log.error({ err, call: toWire('call', call_id) }, 'the bodies of an attempt were not kept'),
  )
}

/** What is passed on as it comes is not there to be kept. */
const toBytes = (body: unknown): Buffer | null =>
  typeof body === 'string' ? Buffer.from(body) : Buffer.isBuffer(body) && body.length > 0 ? body : null

type Place = { tenant_id: string; call_id: string; number: number }
type Side = 'request' | 'response'

const contextOf = (side: Side, { call_id, number }: Place) => `call_body ${side} ${call_id} ${number}`

async function sealed(
  app: App,
  tx: Tx,
  place: Place,
  side: Side,
  opened: Opened,
  bytes: Buffer | null,
): Promise<Buffer | null> {
  if (bytes === null) return null
  const { tenant_id } = place
  const plain = storableBytes(opened, bytes)
  return app.vault.seal(tx, tenant_id, contextOf(side, place), plain.subarray(0, KEPT_BYTES))
}

/** What is no text keeps its bytes: as latin1 every byte is a letter. */
function storableBytes(opened: Opened, bytes: Buffer): Buffer {
  const encoding = textOf(bytes) === null ? 'latin1' : 'utf8'
  return Buffer.from(storable(opened, bytes.toString(encoding)), encoding)
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Buffer): string | null {
  try {
    return strict.decode(bytes)
  } catch {
    return null
  }
}

export async function readBodies(app: App, actor: Actor, wire_id: string, number: number) {
  const { tenant_id } = actor
  const place = { tenant_id, call_id: fromWire('call', wire_id), number }
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findBody(tx, { ...place, now: app.clock.now() })
    if (!row) throw notKept(wire_id, number)
    await audit(tx, actor, 'call.read_body', wire_id, { attempt: number })
    return {
      call_id: wire_id,
      number,
      keep_until: row.keep_until.toISOString(),
      truncated: row.truncated,
      request: await opened(app, tx, place, 'request', row.request),
      response: await opened(app, tx, place, 'response', row.response),
    }
  })
}

const notKept = (wire_id: string, number: number): Problem =>
  new Problem('not_found', {
    detail: `no bodies of attempt ${number} of ${wire_id} are kept; keep_bodies of a connection says for how long they are`,
  })

async function opened(app: App, tx: Tx, place: Place, side: Side, bytes: Buffer | null) {
  if (bytes === null) return null
  const plain = await app.vault.open(tx, place.tenant_id, contextOf(side, place), bytes)
  const text = textOf(plain)
  return text === null
    ? { encoding: 'base64' as const, body: plain.toString('base64') }
    : { encoding: 'text' as const, body: text }
}

/** Deletes what is past its day. */
export async function forgetBodies(app: App): Promise<void> {
  while ((await queries.dropBodies(app.db.worker, app.clock.now())) > 0);
}
