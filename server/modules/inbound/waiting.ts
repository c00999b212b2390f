import { isConnectionLoss, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { idsOf } from './interpret.ts'
import { settleLanes, type Turned } from './lane_queries.ts'
import { type Bell, insertIds } from './queries.ts'
import * as queries from './waiting_queries.ts'

/**
 * What a message is found by is written as it is worked on. One that waits for others of its entity may do so for hours,
 * and somebody will look for it: where a lane begins to wait, a job makes all that stands in it findable, and what
 * comes to a lane that waits becomes so before its bell is taken away. So no crash comes between the two.
 */

export const FIND_WAITING = 'inbound.find_waiting'

/** Most gaps are closed by what is on its way already. */
const SOON_MS = 1_000

/** As `settleLanes`. */
export async function settleTurns(app: App, tx: Tx, turns: Turned[]): Promise<Set<string>> {
  const held = await settleLanes(tx, turns)
  const due = new Date(app.clock.now().getTime() + SOON_MS)
  for (const { lane, wait } of turns) {
    if (wait === null || lane.wait !== null || !held.has(lane.id)) continue
    const { tenant_id, id } = lane
    await enqueue(tx, { tenant_id, id: app.newId(), kind: FIND_WAITING, payload: { lane: id }, due })
  }
  return held
}

const AT_ONCE = 32

export async function findWaiting(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { lane } = payload as { lane: string }
  let after: queries.Stand | undefined = queries.FIRST
  while (after) {
    const page: (queries.Waiting & queries.Stand)[] = await queries.listStanding(
      app.db.worker,
      { tenant_id, lane },
      after,
      AT_ONCE,
    )
    await makeFindable(app, page)
    after = page.length === AT_ONCE ? page.at(-1) : undefined
  }
}

export const findRung = async (app: App, bells: Bell[]): Promise<void> =>
  makeFindable(app, await queries.listRungWaiting(app.db.worker, bells))

/** Each by a statement of its own: of several, two at once could each wait for the other. */
async function makeFindable(app: App, messages: queries.Waiting[]): Promise<void> {
  for (const message of messages) {
    const ids = await idsOf(app, message).catch((error) => {
      if (isConnectionLoss(error)) throw error
      const about = { crossing: 'inbound', message: toWire('message', message.id), err: error }
      app.log.warn(about, 'a message that waits is not found by its ids')
      return []
    })
    await insertIds(app.db.worker, ids)
  }
}
