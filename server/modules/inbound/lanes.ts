import { asWorker } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { ExternalId } from '../events/events.ts'
import { interpret, MOST_CLAIMS, type Outcome, type React } from './interpret.ts'
import type { DueLane, Turned } from './lane_queries.ts'
import { commit, explainFailure, giveUp, ownIds, SUSPECT_CLAIMS, soonest } from './process.ts'
import { type DueMessage, noteFailure } from './queries.ts'
import { settleTurns } from './waiting.ts'

/**
 * Messages of one entity, one after another. A turn takes the first messages of a lane as far as they go: up to a
 * missing number, which is waited for, or up to one that fails, of which the source says what then. Nothing of a turn
 * has an effect unless the lane is still ours when it is committed.
 */

/** Returns in how many milliseconds one of them is to be looked at again. */
export async function processLanes(app: App, react: React, lanes: DueLane[]): Promise<number | null> {
  const fresh = lanes.filter(({ attempts }) => attempts <= SUSPECT_CLAIMS)
  const suspect = lanes.filter(({ attempts }) => attempts > SUSPECT_CLAIMS)
  const waits = fresh.length > 0 ? [await turnTogether(app, react, fresh)] : []
  for (const lane of suspect) waits.push(await turnAlone(app, react, lane))
  return soonest(waits)
}

async function turnTogether(app: App, react: React, lanes: DueLane[]): Promise<number | null> {
  const plans = await Promise.all(lanes.map((lane) => planTurn(app, react, lane)))
  try {
    return await commitTurns(app, plans)
  } catch {
    const waits: (number | null)[] = []
    for (const lane of lanes) waits.push(await turnAlone(app, react, lane))
    return soonest(waits)
  }
}

/** Only its first message, so that a failure is known to be that one's. */
async function turnAlone(app: App, react: React, lane: DueLane): Promise<number | null> {
  const plan = await planTurn(app, react, {
    ...lane,
    heads: lane.heads.slice(0, 1),
    more: lane.more || lane.heads.length > 1,
  })
  try {
    return await commitTurns(app, [plan])
  } catch (error) {
    const [failed] = plan.outcomes
    if (!failed) throw error
    return commitTurns(app, [planFailure(lane, failed, explainFailure(app, failed.item, error))])
  }
}

type Note = { item: DueMessage; error: string; ids: ExternalId[] }
type Plan = { turn: Turned; outcomes: Outcome[]; note: Note | null }

/** How far the lane goes: each message that may be worked on now, with what comes of it. */
async function planTurn(app: App, react: React, lane: DueLane): Promise<Plan> {
  const outcomes: Outcome[] = []
  let { reached } = lane
  let waited = lane.waited
  for (const [at, head] of lane.heads.entries()) {
    const item = { ...head, attempts: at === 0 ? head.attempts : 1 }
    const outcome = await interpret(app, react, item)
    const standing = standingOf(outcome, item.position, reached)
    if (standing === 'gap' && !waited) {
      return stopAt(lane, outcomes, { wait: 'gap', wait_ms: outcome.options.order.gap_timeout_s * 1000 })
    }
    if (outcome.unready !== undefined) {
      if (at > 0) return stopAt({ ...lane, more: true }, outcomes, { wait: null, wait_ms: 0 })
      return planFailure(lane, outcome, outcome.unready)
    }
    if (standing === 'gap') tellGap(app, outcome, reached, item.position)
    if (standing !== 'late') waited = false // the next gap is another one
    const flagged = standing === 'next' ? outcome : withFlag(outcome, standing)
    if (flagged.state === 'failed' && item.attempts <= MOST_CLAIMS) {
      const policy = flagged.options.order.on_failure
      if (policy === 'block') {
        const note = { item, error: flagged.error ?? '', ids: ownIds(flagged) }
        return { ...stopAt(lane, outcomes, { wait: 'blocked', wait_ms: 0 }), note }
      }
      outcomes.push(policy === 'park' ? { ...flagged, state: 'parked' } : flagged)
    } else {
      outcomes.push(flagged)
    }
    reached = Math.max(reached ?? 0, item.position)
  }
  return { ...stopAt(lane, outcomes, { wait: null, wait_ms: 0 }), note: null }
}

function stopAt(lane: DueLane, outcomes: Outcome[], stop: Pick<Turned, 'wait' | 'wait_ms'>): Plan {
  const done = lane.heads.slice(0, outcomes.length)
  const reached = done.length > 0 ? Math.max(...done.map(({ position }) => position)) : null
  return { turn: { lane, reached, more: lane.more, ...stop }, outcomes, note: null }
}

/** Whether it is the next of its entity, came after a later one, or has one missing before it. */
function standingOf({ by }: Outcome, position: number, reached: number | null): 'next' | 'late' | 'gap' {
  if (by === 'sequence') {
    if (reached !== null && position <= reached) return 'late'
    return position > (reached ?? 0) + 1 ? 'gap' : 'next'
  }
  return reached !== null && position < reached ? 'late' : 'next'
}

const withFlag = (outcome: Outcome, flag: string): Outcome => ({
  ...outcome,
  flags: [...outcome.flags.filter((one) => one !== flag), flag],
})

function tellGap(app: App, { item }: Outcome, reached: number | null, position: number): void {
  const about = {
    crossing: 'inbound',
    message: toWire('message', item.id),
    source: toWire('source', item.source_id),
  }
  app.log.warn(
    { ...about, reached: reached ?? 0, position },
    'a missing message did not come; its entity goes on',
  )
}

/** What a failing first message means for its lane, by the policy of its source. */
function planFailure(lane: DueLane, outcome: Outcome, error: string): Plan {
  const { options, item } = outcome
  const { on_failure, skip_after } = options.order
  const wait_s = options.retry_schedule_s[item.attempts - 1]
  const closed = giveUp(outcome, error)
  if (on_failure === 'park') return stopAfter(lane, { ...closed, state: 'parked' })
  if (on_failure === 'skip' && (wait_s === undefined || item.attempts >= skip_after))
    return stopAfter(lane, closed)
  const wait = wait_s === undefined ? 'blocked' : 'retry'
  const stop = stopAt(lane, [], { wait, wait_ms: (wait_s ?? 0) * 1000 })
  return { ...stop, note: { item, error, ids: ownIds(outcome) } }
}

const stopAfter = (lane: DueLane, closed: Outcome): Plan =>
  stopAt({ ...lane, more: lane.more || lane.heads.length > 1 }, [closed], { wait: null, wait_ms: 0 })

async function commitTurns(app: App, plans: Plan[]): Promise<number | null> {
  const turns = plans.map(({ turn }) => turn)
  const outcomes = plans.flatMap((plan) => plan.outcomes)
  if (outcomes.length > 0) await commit(app, outcomes, turns)
  else await asWorker(app.db, (tx) => settleTurns(app, tx, turns))
  for (const { note } of plans) {
    if (note) await noteFailure(app.db.worker, note.item, note.error, note.ids)
  }
  return soonest(turns.map(againIn))
}

/** What came while a lane was held made it due again as it was left, and nobody else looks: the next claim finds it. */
function againIn({ wait, wait_ms }: Turned): number | null {
  if (wait === 'blocked') return null
  return wait === 'retry' ? wait_ms : 1
}
