import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Tx } from '../database/database.ts'
import type { Tables } from '../database/tables.ts'
import type { NewId } from '../ids.ts'
import { enqueue } from './enqueue.ts'

/**
 * What is asked for again and again until it is known. The row names the job that goes on with it, in the transaction that
 * queues it: there is one at a time, and any other was cut off, or came back late, and does nothing.
 */

/** Tables whose rows name their job. */
type Chained = {
  [Name in keyof Tables]: Tables[Name] extends { job_id: string | null } ? Name : never
}[keyof Tables]

type Place = { tenant_id: string; id: string }
type Maker = { clock: Clock; newId: NewId }

/** `tries`: how often it was asked; `denied`: how often the vendor knew nothing of it; `looks`: how often after its end. */
export type Turn = { wait_s: number; tries?: number; denied?: number; looks?: number }

/** Jobs of this kind, whose payload names the row as `<table>_id`. */
export function chainOf(table: Chained, kind: string) {
  /** This job is the one of now; null: none. False where `was` is not. */
  async function relink(
    tx: Tx,
    { tenant_id, id }: Place,
    job_id: string | null,
    was?: string,
  ): Promise<boolean> {
    const is_of_now = was === undefined ? sql`` : sql`and job_id = ${was}`
    const { numAffectedRows } = await sql`
      update ${sql.table(table)} set job_id = ${job_id}
       where tenant_id = ${tenant_id} and id = ${id} ${is_of_now}`.execute(tx)
    return numAffectedRows !== undefined && numAffectedRows > 0n
  }

  async function enqueueTurn({ clock }: Maker, tx: Tx, row: Place, id: string, turn: Turn): Promise<void> {
    const { wait_s, tries = 0, denied = 0, looks = 0 } = turn
    const due = new Date(clock.now().getTime() + wait_s * 1000)
    const payload = { [`${table}_id`]: row.id, tries, denied, looks }
    await enqueue(tx, { tenant_id: row.tenant_id, id, kind, payload, due })
  }

  /** What an earlier job would do is out of date. */
  async function link(maker: Maker, tx: Tx, row: Place, turn: Turn): Promise<void> {
    const id = maker.newId()
    await enqueueTurn(maker, tx, row, id, turn)
    await relink(tx, row, id)
  }

  return { relink, enqueueTurn, link }
}
