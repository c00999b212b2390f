import { inTenants, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit, holds, isTestKey } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { deleteIdentitiesOf, isDomainOf } from './company_queries.ts'
import { makeLink } from './links.ts'
import {
  deleteMember,
  findMember,
  findMemberByEmail,
  insertMember,
  listMembersPage,
  lockAdmins,
  type MemberWithPerson,
  moveMember,
} from './member_queries.ts'
import {
  deleteLinksOf,
  deletePerson,
  findPerson,
  isMemberSomewhere,
  lockPerson,
  placesOfPerson,
} from './queries.ts'
import { scopesOf } from './roles.ts'
import type { Member, MemberChange, NewMember, NewMemberShown, Role } from './schema.ts'
import { endSessionsOf } from './sessions.ts'
import { toEmail, totpRef } from './sign_in.ts'
import { forgetSessionsOf } from './standing.ts'

/** A tenant's members and what the installation knows of the people behind them. */
const among = <T>(app: App, { tenant_id }: Actor, work: (tx: Tx) => Promise<T>): Promise<T> =>
  inTenants(app.db, [...new Set([INSTALLATION, tenant_id])], work)

export async function listMembers(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('member', input)
  const rows = await among(app, actor, (tx) => listMembersPage(tx, actor.tenant_id, before, limit + 1))
  return toPage('member', rows, limit, toMember)
}

/**
 * Invites somebody: the link is in this answer and nowhere else, for the inviter to hand on. Who was invited and has not
 * come gets another link, and the one before ends; who has come is a 409.
 */
export async function inviteMember(app: App, actor: Actor, input: NewMember): Promise<NewMemberShown> {
  checkKey(actor)
  checkRole(actor, input.role)
  const [email, { role }, { tenant_id }] = [toEmail(input.email), input, actor]
  return among(app, actor, async (tx) => {
    const there = await findMemberByEmail(tx, tenant_id, email)
    if (there && there.state !== 'invited') throw isMember(email)
    if (there) checkRole(actor, there.role)
    if (there) await deleteLinksOf(tx, { member_id: there.id })
    const row = there
      ? await moveMember(tx, tenant_id, there.id, { role })
      : await insertMember(tx, { tenant_id, id: app.newId(), email, role, state: 'invited' })
    const link = await makeLink(app, tx, 'invitation', { member_tenant_id: tenant_id, member_id: row.id })
    await audit(tx, actor, 'member.invite', toWire('member', row.id), { email, role })
    return { ...toMember({ ...row, name: null, totp_since: null, signed_in_at: null }), link }
  })
}

/** Another role, or suspended for a while; it holds for what comes next, everywhere within a second. */
export async function updateMember(
  app: App,
  actor: Actor,
  id: string,
  { role, state }: MemberChange,
): Promise<Member> {
  const { tenant_id } = actor
  return among(app, actor, async (tx) => {
    const found = await lockOwn(tx, actor, id)
    checkKey(actor)
    checkNotSelf(actor, found)
    checkRole(actor, found.role)
    if (role) checkRole(actor, role)
    if (state && found.state === 'invited') throw notYet()
    const row = await moveMember(tx, tenant_id, found.id, { ...(role && { role }), ...(state && { state }) })
    if (row.person_id) await forgetSessionsOf(tx, row.person_id)
    await audit(tx, actor, 'member.update', id, { ...(role && { role }), ...(state && { state }) })
    return toMember({ ...found, ...row })
  })
}

/** Who is a member of no tenant any more is forgotten: the account goes with the last place. */
export async function removeMember(app: App, actor: Actor, id: string): Promise<void> {
  const { tenant_id } = actor
  await among(app, actor, async (tx) => {
    const found = await lockOwn(tx, actor, id)
    checkKey(actor)
    checkNotSelf(actor, found)
    checkRole(actor, found.role)
    if (found.state !== 'invited') await checkStaysOut(tx, found)
    await deleteLinksOf(tx, { member_id: found.id })
    const person_id = await deleteMember(tx, tenant_id, found.id) // who may have come just now
    await audit(tx, actor, 'member.remove', id, { email: found.email })
    if (person_id === null) return
    await forgetSessionsOf(tx, person_id)
    if (!(await isMemberSomewhere(tx, person_id))) await forgetPerson(app, tx, person_id)
  })
}

async function forgetPerson(app: App, tx: Tx, person_id: string): Promise<void> {
  await endSessionsOf(tx, person_id, null)
  await deleteLinksOf(tx, { person_id })
  await app.vault.drop(tx, totpRef(person_id))
  await deleteIdentitiesOf(tx, person_id)
  await deletePerson(tx, person_id)
}

async function own(tx: Tx, { tenant_id }: Actor, id: string): Promise<MemberWithPerson> {
  const row = await findMember(tx, tenant_id, fromWire('member', id))
  if (!row) throw new Problem('not_found', { detail: `There is no member ${id} here.` })
  return row
}

/** As it is once nobody else changes it: the person before the places, in the order of who takes an invitation. */
async function lockOwn(tx: Tx, actor: Actor, id: string): Promise<MemberWithPerson> {
  const { person_id } = await own(tx, actor, id)
  if (person_id !== null) await lockPerson(tx, person_id)
  await lockAdmins(tx, actor.tenant_id)
  await checkStill(tx, actor)
  return own(tx, actor, id)
}

/** Another administrator may have taken the place of the one who asks since the request was let in. */
export async function checkStill(tx: Tx, { kind, id, tenant_id: here }: Actor): Promise<void> {
  if (kind !== 'member') return
  const self = fromWire('person', id)
  const is_let_in = (await findPerson(tx, self))?.state === 'active'
  const places = is_let_in ? await placesOfPerson(tx, self) : []
  const may = places.some(
    ({ tenant_id, role }) =>
      (tenant_id === here || tenant_id === INSTALLATION) && holds(scopesOf(role, tenant_id), 'tenants:write'),
  )
  if (!may)
    throw new Problem('forbidden', { detail: 'Your place was changed just now. Ask an administrator.' })
}

/** Who signs in sees live as well, so what is of test alone does not decide it. */
export function checkKey(actor: Actor): void {
  if (!isTestKey(actor)) return
  throw new Problem('forbidden', { detail: 'A test key does not change who may sign in. Use a live key.' })
}

/** Nobody makes or changes a member who may do more than they do themselves. */
function checkRole({ scopes, tenant_id }: Actor, role: Role): void {
  if (tenant_id === INSTALLATION && role !== 'admin') {
    const detail = 'A member of the installation administers it: the role must be admin.'
    throw new Problem('invalid_request', { field: 'role', detail })
  }
  const beyond = scopesOf(role, tenant_id).find((scope) => !holds(scopes, scope))
  if (beyond === undefined) return
  const detail = `The role ${role} holds ${beyond}, which you do not. Ask an administrator.`
  throw new Problem('forbidden', { field: 'role', detail })
}

/** Removed, they would be new to the company's provider, which lets in whoever is; suspended they stay out. */
async function checkStaysOut(tx: Tx, { tenant_id, email }: MemberWithPerson): Promise<void> {
  if (!(await isDomainOf(tx, tenant_id, email.slice(email.lastIndexOf('@') + 1)))) return
  const detail = 'Suspend the member instead: the company signs its people in, and would let them in again.'
  throw new Problem('conflict', { detail })
}

/** So that nobody locks themselves out, and somebody is left who can undo it. */
function checkNotSelf({ id }: Actor, { person_id }: MemberWithPerson): void {
  if (person_id === null || id !== toWire('person', person_id)) return
  throw new Problem('conflict', {
    detail: 'Nobody changes or removes themselves. Ask another administrator.',
  })
}

const isMember = (email: string): Problem =>
  new Problem('conflict', {
    field: 'email',
    detail: `${email} is a member already. Change the member instead.`,
  })

const notYet = (): Problem =>
  new Problem('conflict', {
    field: 'state',
    detail: 'The invitation was not taken yet. Remove the member to take it back.',
  })

const toMember = (row: MemberWithPerson): Member => ({
  id: toWire('member', row.id),
  person_id: row.person_id === null ? null : toWire('person', row.person_id),
  email: row.email,
  name: row.name,
  role: row.role,
  state: row.state,
  has_totp: row.totp_since !== null,
  signed_in_at: row.signed_in_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
})
