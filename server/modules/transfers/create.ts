import { randomInt } from 'node:crypto'
import { refuseCardNumbers } from '../../kit/card_numbers.ts'
import type { Destination } from '../../kit/transfers.ts'
import type { Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, useConnection, worldOf } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { dayOf, daysFrom, daysUntil, dueOf } from './days.ts'
import { readDestination, sealDestination, shownOf } from './destination.ts'
import type { Status } from './moves.ts'
import { findPolicy, isAbove } from './policy_queries.ts'
import * as queries from './queries.ts'
import type { CreateTransfer } from './schema.ts'
import { send } from './send.ts'
import { PATIENCE_S, transferEvent, wireOf } from './told.ts'

/** A transfer from what is asked of us to the bank's answer. It is on record before anything is sent. */
export async function createTransfer(
  app: App,
  actor: Actor,
  input: CreateTransfer,
): Promise<queries.TransferRow> {
  const connection = await useConnection(
    app,
    actor,
    fromWire('connection', input.connection_id, 'connection_id'),
  )
  const destination = readDestination(input.method, input.destination)
  const place = { tenant_id: actor.tenant_id, id: app.newId() }
  check(app, connection, place, input, destination)
  const row = await put(app, actor, connection, place, { input, destination })
  if (row.status !== 'pending') return row
  return send(app, actor, connection, place, { cause: 'request', cause_id: actor.id })
}

const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

/** What the bank could never be asked is refused before anything is kept. */
function check(
  app: App,
  { opened: { provider, settings } }: OpenConnection,
  place: queries.Place,
  { method, money, description, metadata, scheduled_for }: CreateTransfer,
  destination: Destination,
): void {
  const create = provider.operations['transfers.create']
  const { methods = [], highest_number } = provider.transfers ?? {}
  if (!create)
    throw refused('connection_id', `${provider.id} makes no transfers; it has no operation transfers.create`)
  if (!methods.includes(method))
    throw refused('method', `${provider.id} makes ${methods.join(', ')}, not ${method}`)
  refuseCardNumbers({ description, metadata, destination: { name: destination.name } })
  const now = app.clock.now()
  if (scheduled_for !== undefined) checkDay(scheduled_for, now)
  const number = highest_number === undefined ? {} : { number: 1 }
  const wanted = { reference: wireOf(place), method, money, destination, date: dayOf(now), ...number }
  create.request({ ...wanted, ...(description !== undefined && { description }) }, settings)
}

const FARTHEST_DAYS = 180

function checkDay(day: string, now: Date): void {
  const days = daysUntil(day, now)
  if (Number.isNaN(days) || new Date(Date.parse(day)).toISOString().slice(0, 10) !== day)
    throw refused('scheduled_for', `${day} is no day of the calendar`)
  if (days < 0) throw refused('scheduled_for', `${day} is past: in São Paulo it is ${dayOf(now)}`)
  if (days > FARTHEST_DAYS) throw refused('scheduled_for', `${day} is more than ${FARTHEST_DAYS} days ahead`)
}

type Wanted = { input: CreateTransfer; destination: Destination }

/** With the job that goes on with it where nobody else does: its day comes, nobody approves it, or this process dies. */
const put = (
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  { input, destination }: Wanted,
): Promise<queries.TransferRow> =>
  tell(app, place.tenant_id, async (tx) => {
    const { money, method, scheduled_for = null, description = null, metadata = {} } = input
    // By the connection, for whose money it is: an administrator may name either world.
    const policy = await findPolicy(tx, actor.tenant_id, worldOf(connection.environment))
    const is_above = isAbove(policy.approve_above, money.amount)
    const status = is_above ? 'awaiting_approval' : waitingFor(app, scheduled_for)
    const row = await insert(app, tx, connection, {
      ...place,
      ...{ connection_id: connection.id, provider: connection.opened.provider.id, actor: actor.id },
      ...{ status, method, scheduled_for, description, amount: money.amount, currency: money.currency },
      approve_by: is_above ? daysFrom(app.clock.now(), policy.approve_within_days) : null,
      metadata: JSON.stringify(metadata),
      shown: JSON.stringify(shownOf(destination)),
      destination: await sealDestination(app, tx, place, destination),
    })
    await plan(app, tx, place, row)
    await audit(tx, actor, 'transfer.create', wireOf(place), { ...money, method, status })
    const cause = { cause: 'request', cause_id: actor.id } as const
    return { out: row, drafts: status === 'pending' ? [] : [transferEvent(row, cause)] }
  })

/** Once nobody has to approve it any more. */
export const waitingFor = (app: App, day: string | null): Status =>
  day !== null && day > dayOf(app.clock.now()) ? 'scheduled' : 'pending'

/** The job that sends it, or gives it up where nobody lets it go. */
export async function plan(
  app: App,
  tx: Tx,
  place: queries.Place,
  { status, scheduled_for, approve_by }: Pick<queries.TransferRow, 'status' | 'scheduled_for' | 'approve_by'>,
  patience_s = PATIENCE_S,
): Promise<void> {
  const now = app.clock.now()
  const at = (due: Date) =>
    queries.link(app, tx, place, { wait_s: Math.ceil((due.getTime() - now.getTime()) / 1000) })
  if (status === 'pending') await queries.link(app, tx, place, { wait_s: patience_s })
  if (status === 'awaiting_approval' && approve_by !== null) await at(approve_by)
  if (status === 'scheduled' && scheduled_for !== null) await at(dueOf(scheduled_for, now))
}

const ATTEMPTS = 50

/** Numbers are drawn: other systems that pay by the same contract begin at 1. */
async function insert(
  app: App,
  tx: Tx,
  { opened: { provider } }: OpenConnection,
  row: Omit<queries.NewTransfer, 'number'>,
): Promise<queries.TransferRow> {
  const highest = provider.transfers?.highest_number
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const number = highest === undefined ? null : randomInt(1, highest + 1)
    const made = await queries.insertTransfer(tx, { ...row, number })
    if (made) return made
  }
  app.log.error({ provider: provider.id }, 'no free number for a transfer was found')
  throw new Problem('conflict', { detail: `${provider.id} has hardly a number left that was not used` })
}
