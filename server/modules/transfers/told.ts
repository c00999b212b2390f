import type { Refusal } from '../../kit/news.ts'
import type { VendorTransfer } from '../../kit/transfers.ts'
import type { Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Turn } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { NOT_SENT } from '../calls/calls.ts'
import type { Draft } from '../events/events.ts'
import { mayGo, nextOf, type Standing, type Status } from './moves.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { toTransfer } from './schema.ts'

/** How what somebody says of a transfer becomes true, and is told, in one transaction. */

/** Longer than any call may take: whoever finds it unanswered then finds no call of it under way. */
export const PATIENCE_S = 60
/** After an answer that did not end it, or that nobody saw. */
export const SOON_S = 5

export const standingOf = (row: queries.TransferRow): Standing => ({
  status: row.status,
  vendor_id: row.vendor_id,
  vendor_word: row.vendor_word,
  receipt: row.receipt,
  end_to_end_id: row.end_to_end_id,
  returned: BigInt(row.returned),
  failure: row.failure,
})

type Also = NonNullable<Parameters<typeof queries.moveTransfer>[5]>

/** Moves one that is ours still, or is sent by this; null where it has moved on meanwhile. */
export async function go(
  tx: Tx,
  place: queries.Place,
  row: queries.TransferRow,
  to: Status,
  cause: queries.Cause,
  { failure = null, ...also }: Also & { failure?: Refusal | null } = {},
): Promise<{ row: queries.TransferRow; drafts: Draft[] } | null> {
  if (!mayGo(row.status, to)) return null
  const after = { ...standingOf(row), status: to, failure }
  if (!(await queries.moveTransfer(tx, place, row, after, cause, also))) return null
  const moved = must(await queries.findTransfer(tx, place))
  return { row: moved, drafts: [transferEvent(moved, cause)] }
}

/**
 * By the bank's word. `asked_at` is the version it was asked at: where it has moved since, the answer is news like any.
 * Gives the transfer as it is then, and the event that tells of it where it moved.
 */
export async function applyTold(
  tx: Tx,
  place: queries.Place,
  told: VendorTransfer,
  { asked_at, ...cause }: queries.Cause & { asked_at?: number },
): Promise<{ row: queries.TransferRow; drafts: Draft[] }> {
  const row = must(await queries.lockTransfer(tx, place))
  const before = { ...standingOf(row), amount: BigInt(row.amount) }
  const after = nextOf(before, told, asked_at === row.version)
  if (!after || !(await queries.moveTransfer(tx, place, row, after, cause))) return { row, drafts: [] }
  const moved = must(await queries.findTransfer(tx, place))
  return { row: moved, drafts: after.status === row.status ? [] : [transferEvent(moved, cause)] }
}

export function transferEvent(row: queries.TransferRow, { cause, cause_id }: queries.Cause): Draft {
  const { provider, connection_id, updated_at: _at, ...transfer } = toTransfer(row)
  const found_by = [row.vendor_id, row.end_to_end_id].filter((id) => id !== null)
  const data = { provider, connection_id, cause, cause_id, transfer }
  return {
    type: `transfer.${row.status}`,
    data: JSON.stringify(data),
    entity_id: transfer.id,
    found_by,
  }
}

/** A TED that comes back does so within days of its end; what somebody said may be wrong. */
const LOOKS_S = [6 * 3_600, 24 * 3_600, 24 * 3_600, 48 * 3_600]
/** A no to what it was asked may come of what stands between: whether it is there after all is seen by looking. */
const LOOKS_AT_REFUSED_S = [900, 6 * 3_600]

export const BY_HAND = 'resolved_by_hand'

type Ended = Pick<queries.TransferRow, 'status' | 'failure' | 'vendor_id' | 'sent_at'>

/** What is still to be seen of one that ended; null: nothing. */
export function lookAfter(row: Ended, looks: number): Turn | null {
  const wait_s = looksAt(row)[looks]
  return wait_s === undefined ? null : { wait_s, looks: looks + 1 }
}

function looksAt({ status, failure, vendor_id, sent_at }: Ended): readonly number[] {
  if (status === 'completed') return LOOKS_S
  if (status !== 'failed' || failure?.code === NOT_SENT) return []
  if (failure?.code === BY_HAND) return LOOKS_S
  return sent_at !== null && vendor_id === null ? LOOKS_AT_REFUSED_S : []
}

/** Goes on with it after it moved outside of its own job. */
export async function follow(app: App, tx: Tx, place: queries.Place, row: Ended): Promise<void> {
  const turn = row.status === 'processing' ? { wait_s: SOON_S } : lookAfter(row, 0)
  if (turn) await queries.link(app, tx, place, turn)
  else await queries.relink(tx, place, null)
}

export const wireOf = ({ id }: Pick<queries.Place, 'id'>): string => toWire('transfer', id)
