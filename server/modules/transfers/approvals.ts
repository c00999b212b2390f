import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { plan, waitingFor } from './create.ts'
import * as queries from './queries.ts'
import { must } from './queries.ts'
import { send } from './send.ts'
import { go, wireOf } from './told.ts'

/** What ends the wait for a second person: a yes, a no, or that nobody came in time. */

/** Lets one go that waits for it. Who asked for it cannot be the one. */
export async function approve(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
): Promise<queries.TransferRow> {
  const cause = { cause: 'approval', cause_id: actor.id } as const
  const row = await tell(app, place.tenant_id, async (tx) => {
    const before = mustWait(await queries.lockTransfer(tx, place), actor, 'approved')
    if (isOver(app, before)) throw new Problem('conflict', { detail: `${wireOf(place)} ${tooLate(before)}` })
    const to = waitingFor(app, before.scheduled_for)
    const gone = must(await go(tx, place, before, to, cause, { approver: actor.id }))
    await plan(app, tx, place, gone.row)
    await audit(tx, actor, 'transfer.approve', wireOf(place))
    return { out: gone.row, drafts: gone.drafts }
  })
  return row.status === 'pending' ? send(app, actor, connection, place, cause) : row
}

export const reject = (
  app: App,
  actor: Actor,
  place: queries.Place,
  note: string,
): Promise<queries.TransferRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const before = mustWait(await queries.lockTransfer(tx, place), actor, 'rejected')
    const failure = { reason: 'not_permitted', code: 'rejected', message: note } as const
    const cause = { cause: 'approval', cause_id: actor.id } as const
    const gone = must(await go(tx, place, before, 'canceled', cause, { failure, approver: actor.id }))
    await queries.relink(tx, place, null)
    await audit(tx, actor, 'transfer.reject', wireOf(place), { note })
    return { out: gone.row, drafts: gone.drafts }
  })

function mustWait(row: queries.TransferRow | undefined, actor: Actor, done: string): queries.TransferRow {
  const { status, actor: maker, id } = must(row)
  if (status !== 'awaiting_approval')
    throw new Problem('conflict', { detail: `${wireOf({ id })} cannot be ${done}: it is ${status}` })
  if (maker === actor.id)
    throw new Problem('forbidden', {
      detail: `${wireOf({ id })} was asked for by you: somebody else has to look at it; you may cancel it`,
    })
  return must(row)
}

/** Where nobody came in time. What was asked for so long ago may be wanted no more, or was asked for again. */
export const lapse = (app: App, place: queries.Place): Promise<void> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = must(await queries.lockTransfer(tx, place))
    if (row.status !== 'awaiting_approval') return { out: undefined, drafts: [] }
    if (!isOver(app, row)) {
      await plan(app, tx, place, row)
      return { out: undefined, drafts: [] }
    }
    const failure = { reason: 'not_permitted', code: 'approval_expired', message: tooLate(row) } as const
    const cause = { cause: 'schedule', cause_id: null } as const
    const { drafts } = must(await go(tx, place, row, 'canceled', cause, { failure }))
    return { out: undefined, drafts }
  })

/** Also before the job has come to it: what is late for a yes is late whoever looks first. */
const isOver = (app: App, { approve_by }: queries.TransferRow): boolean =>
  approve_by !== null && approve_by <= app.clock.now()

const tooLate = ({ approve_by }: queries.TransferRow): string =>
  `was to be approved by ${approve_by?.toISOString()}, and nobody did; ask for another`
