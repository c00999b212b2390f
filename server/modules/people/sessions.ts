import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION, type SignedIn } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import {
  deleteSessions,
  findPerson,
  insertSession,
  listSessionsPage,
  type PersonRow,
  placesOfPerson,
  type SessionRow,
} from './queries.ts'
import type { Person, Session, SessionEntry } from './schema.ts'
import { csrfOf, hashToken, makeToken } from './secrets.ts'
import type { Visitor } from './sign_in.ts'
import {
  chooseTenant,
  forgetSession,
  idleSince,
  isAdministrator,
  LIFETIME_MS,
  tenantsOf,
} from './standing.ts'

/** A session as it begins: the token is for the cookie and kept nowhere. */
export type Opened = { token: string; person: PersonRow; signed_in: SignedIn }

/** What the session changes is written down as the person's, in the log of the installation. */
export const asPerson = (actor: Actor, person_id: string): Actor => ({
  ...actor,
  kind: 'member',
  id: toWire('person', person_id),
  tenant_id: INSTALLATION,
})

export async function openSession(app: App, tx: Tx, person: PersonRow, visitor: Visitor): Promise<Opened> {
  const [id, token, created_at] = [app.newId(), makeToken(), app.clock.now()]
  const expires_at = new Date(created_at.getTime() + LIFETIME_MS)
  const { ip, agent } = visitor
  const token_hash = hashToken(token)
  await insertSession(tx, { id, person_id: person.id, token_hash, ip, agent, created_at, expires_at })
  forgetSession(tx, token_hash) // that nobody had it may be remembered
  await audit(tx, asPerson(visitor, person.id), 'session.create', toWire('session', id))
  return { token, person, signed_in: { id, person_id: person.id, expires_at, csrf: csrfOf(token) } }
}

/** Of a session that has just begun, which nobody has told where to act. */
export async function describeOpened(app: App, { person, signed_in }: Opened): Promise<Session> {
  const places = await placesOfPerson(app.db.app, person.id)
  const { tenant_id, scopes } = await chooseTenant(app, { places }, undefined)
  return describe(app, person, signed_in, { tenant_id, scopes, environment: 'live' })
}

export async function readSession(app: App, actor: Actor, signed_in: SignedIn): Promise<Session> {
  const person = await inTenant(app.db, INSTALLATION, (tx) => findPerson(tx, signed_in.person_id))
  if (!person) throw new Problem('unauthenticated', { detail: 'You were removed. Ask an administrator.' })
  return describe(app, person, signed_in, actor)
}

async function describe(
  app: App,
  person: PersonRow,
  { id, expires_at, csrf }: SignedIn,
  { tenant_id, scopes, environment }: Pick<Actor, 'tenant_id' | 'scopes' | 'environment'>,
): Promise<Session> {
  const places = await placesOfPerson(app.db.app, person.id)
  const tenants = await tenantsOf(app, { places })
  const tenant = tenants.find((one) => one.id === toWire('tenant', tenant_id)) ?? null
  const is_administrator = isAdministrator({ places })
  return {
    id: toWire('session', id),
    member: toPerson(person),
    tenant,
    role: is_administrator ? 'admin' : (tenant?.role ?? null),
    scopes: [...scopes],
    is_administrator,
    environment,
    tenants,
    language: person.language,
    csrf,
    expires_at: expires_at.toISOString(),
  }
}

export const toPerson = ({ id, email, name, language, ...row }: PersonRow): Person => ({
  id: toWire('person', id),
  email,
  name,
  language,
  has_totp: row.totp_since !== null,
  recovery_codes_left: row.recovery_codes.length,
})

export async function listSessions(app: App, signed_in: SignedIn, input: PageInput) {
  const { limit, before } = readPage('session', input)
  const now = app.clock.now()
  const rows = await inTenant(app.db, INSTALLATION, (tx) =>
    listSessionsPage(tx, signed_in.person_id, { now, idle: idleSince(now) }, before, limit + 1),
  )
  return toPage('session', rows, limit, (row) => toEntry(row, signed_in))
}

const toEntry = (row: SessionRow, signed_in: SignedIn): SessionEntry => ({
  id: toWire('session', row.id),
  is_this: row.id === signed_in.id,
  ip: row.ip,
  user_agent: row.agent,
  created_at: row.created_at.toISOString(),
  seen_at: row.seen_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
})

/** One of the person's own; every process refuses it within a second. */
export async function endSession(app: App, actor: Actor, signed_in: SignedIn, id: string): Promise<void> {
  const only = fromWire('session', id)
  const { person_id } = signed_in
  await inTenant(app.db, INSTALLATION, async (tx) => {
    const hashes = await deleteSessions(tx, person_id, { only })
    if (hashes.length === 0) throw new Problem('not_found', { detail: `You have no session ${id}.` })
    for (const hash of hashes) forgetSession(tx, hash)
    await audit(tx, asPerson(actor, person_id), 'session.revoke', id)
  })
}

/** Those of the person, all but `but`; every process refuses them within a second. Returns how many. */
export async function endSessionsOf(tx: Tx, person_id: string, but: string | null): Promise<number> {
  const hashes = await deleteSessions(tx, person_id, { but })
  for (const hash of hashes) forgetSession(tx, hash)
  return hashes.length
}
