import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import { schemaFault } from './guards.ts'
import { judgeAt, proofOf } from './judge.ts'
import { toContent } from './methods.ts'
import * as queries from './quarantine_queries.ts'
import { keptArrival, MISFIT, type Received, store } from './receive.ts'
import { makeRoom } from './refusals.ts'
import { toRaw } from './schema.ts'
import { type Discard, type QuarantineQuery, type Release, toQuarantined } from './schema_quarantine.ts'
import { openBody, opened } from './sealing.ts'
import { findSource } from './source_queries.ts'
import { type ActiveSource, findActiveSource } from './sources.ts'

/** What was refused at the door, with its bytes and the reason, until it is taken in after all, discarded or ages out. */

export async function listQuarantine(app: App, actor: Actor, input: QuarantineQuery) {
  const { limit, before } = readPage('quarantine', input)
  const source_id = input.source_id ? fromWire('source', input.source_id, 'source_id') : null
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listQuarantine(tx, actor.tenant_id, source_id, limit, before),
  )
  return toPage('quarantine', rows, limit, toQuarantined)
}

export async function readQuarantined(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('quarantine', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findQuarantined(tx, tenant_id, id)
    if (!row) throw missing(wire_id)
    return { ...toQuarantined(row), ...toRaw(await openBody(app, tx, tenant_id, row)) }
  })
}

/**
 * Takes a refused message in after all, if it verifies now, once its source's secret or settings are mended, or, where
 * it was verified as it came, if it fits the schema now. Who says that our clock was wrong has it judged by the right
 * one: a genuine signature is needed all the same, and a copy of what was taken in is known as one. It is stored before it leaves the quarantine: cut off in between, it is there to be released again and known as a copy.
 */
export async function releaseQuarantined(
  app: App,
  actor: Actor,
  wire_id: string,
  input: Release,
): Promise<Received> {
  const id = fromWire('quarantine', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findQuarantined(tx, tenant_id, id))
  if (!row) throw missing(wire_id)
  const source = await findActiveSource(app, toWire('source', row.source_id))
  if (!source)
    throw new Problem('conflict', { detail: 'its source was deleted; there is nowhere to release it to' })
  const received = await tryAgain(app, actor, source, row, input)
  if ('because' in received) {
    throw new Problem('conflict', { detail: `${received.because}; ${remedyOf(row)}` })
  }
  return received
}

const remedyOf = ({ reason }: queries.QuarantineRow): string =>
  reason === 'too_old' || reason === 'too_new'
    ? 'if it was our clock that was wrong, say by how much (clock_ahead_s)'
    : 'mend the source first'

const RELEASED_AT_ONCE = 200

/** As `releaseQuarantined`, for what a source refused, from the oldest on after `cursor`; what is still refused stays. */
export async function releaseAll(
  app: App,
  actor: Actor,
  wire_id: string,
  { cursor, ...input }: Release & { cursor?: string | undefined },
) {
  const { tenant_id } = actor
  const source = await findActiveSource(app, wire_id)
  if (!source || source.tenant_id !== tenant_id) {
    throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
  }
  const after = cursor === undefined ? null : fromWire('quarantine', cursor, 'cursor')
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    queries.listOldest(tx, tenant_id, source.id, after, RELEASED_AT_ONCE + 1),
  )
  let released = 0
  const now = rows.slice(0, RELEASED_AT_ONCE)
  for (const row of now) {
    if (!('because' in (await tryAgain(app, actor, source, row, input)))) released += 1
  }
  const last = rows.length > RELEASED_AT_ONCE ? now.at(-1) : undefined
  return {
    released,
    refused: now.length - released,
    next_cursor: last ? toWire('quarantine', last.id) : null,
  }
}

/** Stored and gone from here, or why not. */
async function tryAgain(
  app: App,
  actor: Actor,
  source: ActiveSource,
  row: queries.QuarantineRow & { headers: string; body: Buffer },
  { clock_ahead_s = 0 }: Release,
): Promise<Received | { because: string }> {
  const arrival = keptArrival(source, await opened(app, { ...row, tenant_id: source.tenant_id }))
  const arrived = new Date(timeOfId(row.id).getTime() - clock_ahead_s * 1000)
  // What proved a misfit as it came may be a secret that is not kept: it needs no second proof.
  const verdict = row.reason === MISFIT ? null : await judgeAt(app, source, arrival, arrived)
  if (verdict && !verdict.ok) return { because: `it still does not verify: ${verdict.detail}` }
  const fault = schemaFault(source, toContent(source, arrival))
  if (fault !== null) return { because: `it still does not fit the schema: ${fault}` }
  // That of a misfit stands among its headers.
  const proof = verdict ? { proof: `${proofOf(source, verdict)} on its release` } : {}
  const received = await store(app, source, { ...arrival, ...proof })
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    await queries.deleteQuarantined(tx, tenant_id, row.id)
    makeRoom(tx, { tenant_id, source_id: row.source_id })
    await audit(tx, actor, 'quarantine.release', toWire('quarantine', row.id), {
      message: received.id,
      ...(clock_ahead_s !== 0 && { clock_ahead_s }),
    })
  })
  return received
}

export async function discardQuarantined(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('quarantine', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findQuarantined(tx, tenant_id, id)
    if (!row || !(await queries.deleteQuarantined(tx, tenant_id, id))) throw missing(wire_id)
    makeRoom(tx, { tenant_id, source_id: row.source_id })
    const { source_id, reason, ip } = row
    await audit(tx, actor, 'quarantine.discard', wire_id, { source: toWire('source', source_id), reason, ip })
  })
}

const DISCARDED_AT_ONCE = 1_000

/** All of a source that fit, the oldest first, each so many in one commit with the record of it; `dry_run` only counts. */
export async function discardAll(app: App, actor: Actor, wire_id: string, input: Discard) {
  const { tenant_id } = actor
  const { dry_run, ...asked } = input
  const source_id = fromWire('source', wire_id)
  const { filter, total } = await inTenant(app.db, tenant_id, async (tx) => {
    // Of a source that was deleted what it refused is still here.
    const is_known =
      (await findSource(tx, tenant_id, source_id)) ||
      (await queries.countQuarantine(tx, tenant_id, source_id, 1)) > 0
    if (!is_known) throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
    const read = readDiscard(app, source_id, asked)
    return { filter: read, total: await queries.countFitting(tx, tenant_id, read) }
  })
  if (dry_run) return { dry_run, total, until: filter.until.toISOString() }
  let discarded = 0
  while (discarded < total) {
    const count = await inTenant(app.db, tenant_id, async (tx) => {
      const deleted = await queries.deleteFitting(tx, tenant_id, filter, DISCARDED_AT_ONCE)
      if (deleted === 0) return 0
      makeRoom(tx, { tenant_id, source_id: filter.source_id })
      await audit(tx, actor, 'quarantine.discard', wire_id, { ...asked, discarded: deleted })
      return deleted
    })
    if (count === 0) break // somebody else was faster
    discarded += count
  }
  return { discarded }
}

function readDiscard(app: App, source_id: string, input: Discard): queries.QuarantineFilter {
  const now = app.clock.now()
  const since = new Date(input.since)
  const wanted = input.until === undefined ? now : new Date(input.until)
  const until = new Date(Math.min(wanted.getTime(), now.getTime())) // nobody has seen what comes later
  if (since >= until) {
    throw new Problem('invalid_request', { field: 'since', detail: 'since must be before until' })
  }
  return { source_id, reason: input.reason ?? null, ip: input.ip ?? null, since, until }
}

const missing = (id: string) => new Problem('not_found', { detail: `there is no quarantine ${id}` })
