import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import {
  findListed,
  type ListedPerson,
  listPeoplePage,
  type Membership,
  membershipsOf,
} from './directory_queries.ts'
import { hasAdministrator, lockAdmins } from './member_queries.ts'
import { checkKey, checkStill } from './members.ts'
import { deleteLinksOf, lockPerson, movePerson, type PersonRow } from './queries.ts'
import type { ListedPerson as Shown } from './schema.ts'
import { endSessionsOf } from './sessions.ts'
import { toEmail, totpRef } from './sign_in.ts'
import { idleSince } from './standing.ts'

/**
 * The people of all tenants, for the administrator of the installation: who they are, where they may act, and what
 * stops one of them everywhere. Each of these ends sessions within a second, and nobody does one to themselves that
 * would leave the installation without them.
 */

export async function listPeople(app: App, input: PageInput & { email?: string | undefined }) {
  const { limit, before } = readPage('person', input)
  const email = input.email === undefined ? null : toEmail(input.email)
  return inTenant(app.db, INSTALLATION, async (tx) => {
    const rows = await listPeoplePage(tx, sinceNow(app), { email, before, limit: limit + 1 })
    const places = Map.groupBy(
      await membershipsOf(
        tx,
        rows.map(({ id }) => id),
      ),
      (place) => place.person_id,
    )
    return toPage('person', rows, limit, (row) => toListed(row, places.get(row.id) ?? []))
  })
}

export const readPerson = (app: App, id: string): Promise<Shown> =>
  inTenant(app.db, INSTALLATION, (tx) => read(app, tx, id))

/** Ends every session of the person; whoever knows the password may come again. */
export const signOutPerson = (app: App, actor: Actor, id: string): Promise<Shown> =>
  change(app, actor, id, async (tx, person) => {
    const sessions = await endSessionsOf(tx, person.id, null)
    await audit(tx, inHouse(actor), 'person.sign_out', id, { sessions })
  })

/**
 * For a phone that was lost: ends the second factor with its recovery codes, and every session. From then on the
 * password alone lets the person in, so one's own is ended where the password is asked for.
 */
export const resetSecondFactor = (app: App, actor: Actor, id: string): Promise<Shown> =>
  change(app, actor, id, async (tx, person) => {
    const detail = 'Your own second factor is turned off in your account, which asks for your password.'
    checkNotSelf(actor, person, detail)
    await movePerson(tx, person.id, { totp_since: null, recovery_codes: [] })
    await app.vault.drop(tx, totpRef(person.id))
    const sessions = await endSessionsOf(tx, person.id, null)
    await audit(tx, inHouse(actor), 'person.totp_reset', id, { sessions })
  })

/** Nobody comes in as this person any more, in no tenant and by no link or company, until they are restored. */
export const suspendPerson = (app: App, actor: Actor, id: string): Promise<Shown> =>
  change(app, actor, id, async (tx, person) => {
    checkNotSelf(actor, person, 'Nobody suspends themselves. Ask another administrator.')
    if (person.state === 'suspended') return
    if (!(await hasAdministrator(tx, person.id))) throw lastOne()
    await movePerson(tx, person.id, { state: 'suspended' })
    await deleteLinksOf(tx, { person_id: person.id })
    const sessions = await endSessionsOf(tx, person.id, null)
    await audit(tx, inHouse(actor), 'person.suspend', id, { sessions })
  })

/** With the password, the second factor and the places they had. */
export const restorePerson = (app: App, actor: Actor, id: string): Promise<Shown> =>
  change(app, actor, id, async (tx, person) => {
    if (person.state === 'active') return
    await movePerson(tx, person.id, { state: 'active' })
    await audit(tx, inHouse(actor), 'person.restore', id)
  })

/** The person before the administrators' places, as whoever changes those; of two who stop each other one is second. */
async function change(
  app: App,
  actor: Actor,
  id: string,
  work: (tx: Tx, person: PersonRow) => Promise<void>,
): Promise<Shown> {
  checkKey(actor)
  const person_id = fromWire('person', id)
  return inTenant(app.db, INSTALLATION, async (tx) => {
    const person = await lockPerson(tx, person_id)
    if (!person) throw noPerson(id)
    await lockAdmins(tx, INSTALLATION)
    await checkStill(tx, inHouse(actor))
    await work(tx, person)
    return read(app, tx, id)
  })
}

async function read(app: App, tx: Tx, wire_id: string): Promise<Shown> {
  const id = fromWire('person', wire_id)
  const row = await findListed(tx, sinceNow(app), id)
  if (!row) throw noPerson(wire_id)
  return toListed(row, await membershipsOf(tx, [id]))
}

const inHouse = (actor: Actor): Actor => ({ ...actor, tenant_id: INSTALLATION })

function sinceNow({ clock }: App): { now: Date; idle: Date } {
  const now = clock.now()
  return { now, idle: idleSince(now) }
}

function checkNotSelf({ id }: Actor, person: PersonRow, detail: string): void {
  if (id === toWire('person', person.id)) throw new Problem('conflict', { detail })
}

const lastOne = (): Problem =>
  new Problem('conflict', {
    detail: 'Nobody else administers the installation. Invite another administrator first.',
  })

const noPerson = (id: string): Problem => new Problem('not_found', { detail: `There is no person ${id}.` })

const toListed = (row: ListedPerson, places: Membership[]): Shown => ({
  id: toWire('person', row.id),
  email: row.email,
  name: row.name,
  language: row.language,
  state: row.state,
  is_administrator: places.some(({ tenant_id, state }) => tenant_id === INSTALLATION && state === 'active'),
  has_totp: row.totp_since !== null,
  recovery_codes_left: row.codes_left,
  sessions: row.sessions,
  seen_at: row.seen_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  memberships: places.map(({ tenant_id, member_id, role, state, name }) => ({
    id: toWire('member', member_id),
    tenant: { id: toWire('tenant', tenant_id), name },
    role,
    state,
  })),
})
