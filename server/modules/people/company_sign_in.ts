import {
  comeBackFromOpenId,
  leaveForOpenId,
  type OpenIdClient,
  type OpenIdVisit,
  type WhoCame,
} from '../../kit/auth/open_id.ts'
import { publicAddress } from '../../platform/config.ts'
import { inTenant, inTenants, sqlState, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { forgiveStart, takeStart } from './attempts.ts'
import { insertIdentity, type ProviderRow, personOfIdentity } from './company_queries.ts'
import { findMemberByEmail, insertMember, moveMember } from './member_queries.ts'
import {
  deleteLinksOf,
  findPersonByEmail,
  insertPerson,
  lockPerson,
  markSignedIn,
  movePerson,
  type PersonRow,
} from './queries.ts'
import { asPerson, endSessionsOf, type Opened, openSession } from './sessions.ts'
import { toEmail, totpRef, type Visitor } from './sign_in.ts'
import { forgetSessionsOf } from './standing.ts'

/**
 * Signing in by a company's own provider. What has to be kept meanwhile goes with the visitor, sealed, in a cookie: so
 * whoever comes back is the browser that left, and nobody is signed in by a link that somebody else began.
 */

const VISIT_LIFE_MS = 600_000

/** It has to be registered at the provider. */
export const callbackOf = (app: App, id: string): string =>
  `${publicAddress(app.config)}/v1/sign-in/${toWire('sign_in_provider', id)}/callback`

type Kept = OpenIdVisit & { until_ms: number }

/**
 * Where to send the visitor, and what its cookie is to hold; null where the provider cannot be asked now. Throws 429
 * where too many set out from its address and did not come back.
 */
export async function startVisit(
  app: App,
  { ip }: Visitor,
  provider: ProviderRow,
): Promise<{ url: string; kept: string } | null> {
  await takeStart(app, ip)
  const client = await clientOf(app, provider)
  const left = await leaveForOpenId(client, app.egress.send, callbackOf(app, provider.id))
  if (!left.ok) {
    app.log.warn({ provider: provider.name, reason: left.because }, 'nobody was sent to sign in')
    return null
  }
  const kept: Kept = { ...left.visit, until_ms: app.clock.now().getTime() + VISIT_LIFE_MS }
  const sealed = await inTenant(app.db, INSTALLATION, (tx) =>
    app.vault.seal(tx, INSTALLATION, contextOf(provider), Buffer.from(JSON.stringify(kept))),
  )
  return { url: left.url, kept: sealed.toString('base64url') }
}

/** Why nobody was let in: the visit is none of this browser's, the provider said no, it may not speak for them, or they are suspended. */
export type Turned = 'expired' | 'provider' | 'email' | 'suspended'

export async function finishVisit(
  app: App,
  visitor: Visitor,
  provider: ProviderRow,
  query: URLSearchParams,
  kept: string | null,
): Promise<Opened | Turned> {
  const visit = kept === null ? null : await openVisit(app, provider, kept)
  if (visit === null) return 'expired'
  const back = { query, visit, redirect_uri: callbackOf(app, provider.id) }
  const who = await comeBackFromOpenId(await clientOf(app, provider), app.egress.send, back)
  if (!who.ok) {
    app.log.warn({ provider: provider.name, reason: who.because }, 'nobody was signed in')
    return 'provider'
  }
  try {
    return await letIn(app, visitor, provider, who)
  } catch (error) {
    if (sqlState(error) === '23505') return 'expired' // two windows of one new person at once: the next try finds them
    throw error
  }
}

const contextOf = ({ id }: ProviderRow): string => `sign_in_visit ${id}`

async function openVisit(app: App, provider: ProviderRow, kept: string): Promise<Kept | null> {
  const opened = await inTenant(app.db, INSTALLATION, (tx) =>
    app.vault.open(tx, INSTALLATION, contextOf(provider), Buffer.from(kept, 'base64url')),
  ).catch(() => null) // not sealed by us, or for another provider
  const visit = opened === null ? null : (JSON.parse(opened.toString()) as Kept)
  return visit !== null && visit.until_ms > app.clock.now().getTime() ? visit : null
}

async function clientOf(app: App, { id, issuer, client_id }: ProviderRow): Promise<OpenIdClient> {
  const ref = { tenant_id: INSTALLATION, owner_id: id, field: 'client_secret' }
  const client_secret = await inTenant(app.db, INSTALLATION, (tx) => app.vault.get(tx, ref))
  return { issuer, client_id, client_secret: client_secret ?? '' }
}

type Came = Extract<WhoCame, { ok: true }>

/** Known by the subject; the first time by an e-mail that the provider has verified and may speak for. */
async function letIn(app: App, visitor: Visitor, provider: ProviderRow, who: Came): Promise<Opened | Turned> {
  const email = who.is_verified && who.email !== null ? toEmail(who.email) : null
  return inTenants(app.db, [INSTALLATION, provider.member_tenant_id], async (tx) => {
    const known = await personOfIdentity(tx, provider.id, who.subject)
    const spoken_for = email !== null && speaksFor(provider, email) ? email : null
    const there = known ? await lockPerson(tx, known) : await personOf(tx, spoken_for)
    if (there?.state === 'suspended') return 'suspended' // said of nobody whom the company may not speak for
    const person = known ? there : await meet(app, tx, visitor, provider, who, spoken_for)
    if (!person || (await administers(tx, person.email))) return 'email'
    if (known) await join(app, tx, visitor, provider, person, false)
    if (!(await markSignedIn(tx, person, app.clock.now()))) return 'expired'
    await forgiveStart(tx, visitor.ip)
    return openSession(app, tx, person, visitor)
  })
}

const personOf = async (tx: Tx, email: string | null): Promise<PersonRow | undefined> =>
  email === null ? undefined : findPersonByEmail(tx, email)

const speaksFor = ({ domains }: ProviderRow, email: string): boolean =>
  domains.includes(email.slice(email.lastIndexOf('@') + 1))

/** The first time. `email` is one that the company may speak for. */
async function meet(
  app: App,
  tx: Tx,
  visitor: Visitor,
  provider: ProviderRow,
  who: Came,
  email: string | null,
): Promise<PersonRow | undefined> {
  if (email === null || email.length > 254 || who.subject.length > 255) return undefined
  if (await administers(tx, email)) return undefined
  const there = await findPersonByEmail(tx, email)
  const name = (who.name ?? email).slice(0, 100)
  const language = who.locale?.startsWith('en') ? 'en' : 'pt-BR'
  const person = there
    ? await vouchFor(app, tx, visitor, provider, there.id)
    : await insertPerson(tx, { id: app.newId(), email, name, language })
  if (!person) return undefined
  await insertIdentity(tx, { provider_id: provider.id, subject: who.subject, person_id: person.id })
  await join(app, tx, visitor, provider, person, there === undefined)
  return person
}

/** A company speaks for its own people: nobody administers the installation by its word, past password and code. */
async function administers(tx: Tx, email: string): Promise<boolean> {
  const member = await findMemberByEmail(tx, INSTALLATION, email)
  return member !== undefined && member.person_id !== null
}

/**
 * Whoever was invited anywhere by this e-mail may have chosen the password, and nobody verified that it was theirs: so
 * all that would let them in again ends. The places stay, for the invitations to them named this e-mail. Undefined
 * where the person was removed or suspended just now.
 */
async function vouchFor(
  app: App,
  tx: Tx,
  visitor: Visitor,
  provider: ProviderRow,
  id: string,
): Promise<PersonRow | undefined> {
  await deleteLinksOf(tx, { person_id: id }) // before the person, as who uses one does
  if ((await lockPerson(tx, id))?.state !== 'active') return undefined
  await endSessionsOf(tx, id, null)
  await app.vault.drop(tx, totpRef(id))
  const by = toWire('sign_in_provider', provider.id)
  await audit(tx, asPerson(visitor, id), 'person.password', toWire('person', id), { by })
  return movePerson(tx, id, { password: null, totp_since: null, recovery_codes: [] })
}

/** Who is new gets the provider's role, who was invited the one of the invitation; others keep what they have. */
async function join(
  app: App,
  tx: Tx,
  visitor: Visitor,
  { member_tenant_id: tenant_id, role, id: provider_id }: ProviderRow,
  person: PersonRow,
  is_new: boolean,
): Promise<void> {
  const invited = await findMemberByEmail(tx, tenant_id, person.email)
  if (invited ? invited.state !== 'invited' : !is_new) return
  const active = { person_id: person.id, state: 'active' } as const
  const member = invited
    ? await moveMember(tx, tenant_id, invited.id, active)
    : await insertMember(tx, { tenant_id, id: app.newId(), email: person.email, role, ...active })
  await forgetSessionsOf(tx, person.id)
  const detail = { role: member.role, by: toWire('sign_in_provider', provider_id) }
  await audit(
    tx,
    { ...asPerson(visitor, person.id), tenant_id },
    'member.join',
    toWire('member', member.id),
    detail,
  )
}
