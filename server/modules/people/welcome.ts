import { inTenant, inTenants, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { forgive, takeAttempt, takeCodeAttempt } from './attempts.ts'
import {
  findMember,
  findMemberByEmail,
  hasAdministrator,
  insertMember,
  moveMember,
} from './member_queries.ts'
import { hashPassword } from './passwords.ts'
import {
  deleteLinksOf,
  findLink,
  findPerson,
  findPersonByEmail,
  insertPerson,
  type LinkRow,
  lockFirst,
  markSignedIn,
  movePerson,
  type PersonRow,
  takeLink,
} from './queries.ts'
import type { Welcome } from './schema.ts'
import { hashToken } from './secrets.ts'
import { asPerson, endSessionsOf, type Opened, openSession } from './sessions.ts'
import {
  codeMissing,
  prove,
  refused,
  suspended,
  takeCode,
  toEmail,
  totpRef,
  type Visitor,
} from './sign_in.ts'
import { forgetSessionsOf } from './standing.ts'

/**
 * Uses a one-time link: the first administrator signs up, somebody takes an invitation, somebody sets a new password.
 * Who has an account already proves it by its password and code, and keeps name and language. Opens a session.
 */
export async function welcome(app: App, visitor: Visitor, input: Welcome): Promise<Opened> {
  const hash = hashToken(input.token)
  const now = app.clock.now()
  const link = await inTenant(app.db, INSTALLATION, (tx) => findLink(tx, hash, now))
  if (!link) throw noLink()
  const use = link.kind === 'reset' ? resetPassword : signUp
  return use(app, visitor, { link, hash, input: { ...input, email: toEmail(input.email) } }).catch(
    (error: unknown) => {
      if (sqlState(error) !== '23505') throw error
      const detail = 'This e-mail has just signed up by another link. Use its password here.'
      throw new Problem('conflict', { field: 'email', detail, cause: error })
    },
  )
}

type Use = { link: LinkRow; hash: Buffer; input: Welcome }

async function signUp(app: App, visitor: Visitor, { link, hash, input }: Use): Promise<Opened> {
  const { email } = input
  await checkInvited(app, link, email)
  const attempt = { email, ip: visitor.ip }
  const known = await inTenant(app.db, INSTALLATION, (tx) => findPersonByEmail(tx, email))
  const proven = known ? await prove(app, visitor, input) : null
  const password = proven ? proven.password : await hashPassword(app, input.password)
  const tenant_id = link.member_tenant_id ?? INSTALLATION
  return inTenants(app.db, [...new Set([INSTALLATION, tenant_id])], async (tx) => {
    await take(app, tx, hash)
    if (proven) await forgive(tx, attempt)
    const { name, language } = input
    const person = proven ?? (await insertPerson(tx, { id: app.newId(), email, name, language, password }))
    if (!(await markSignedIn(tx, person, app.clock.now()))) throw noLink()
    if (link.kind === 'first') await joinAsFirst(app, tx, person, visitor)
    else await join(tx, link, person, visitor)
    await forgetSessionsOf(tx, person.id)
    return openSession(app, tx, person, visitor)
  })
}

/** The link is one person's: whoever else holds it cannot sign up as somebody they chose. */
async function checkInvited(app: App, link: LinkRow, email: string): Promise<void> {
  const { member_tenant_id: tenant_id, member_id } = link
  if (tenant_id === null || member_id === null) return
  const member = await inTenants(app.db, [...new Set([INSTALLATION, tenant_id])], (tx) =>
    findMember(tx, tenant_id, member_id),
  )
  if (member?.state !== 'invited') throw noLink()
  if (member.email !== email) throw anotherEmail()
}

async function joinAsFirst(app: App, tx: Tx, person: PersonRow, visitor: Visitor): Promise<void> {
  await lockFirst(tx)
  if (await hasAdministrator(tx)) throw noLink()
  await deleteLinksOf(tx, { kind: 'first' })
  const place = { person_id: person.id, role: 'admin', state: 'active' } as const
  const invited = await findMemberByEmail(tx, INSTALLATION, person.email)
  const { id } = invited
    ? await moveMember(tx, INSTALLATION, invited.id, place)
    : await insertMember(tx, { tenant_id: INSTALLATION, id: app.newId(), email: person.email, ...place })
  await audit(tx, asPerson(visitor, person.id), 'member.join', toWire('member', id), { role: 'admin' })
}

async function join(tx: Tx, link: LinkRow, person: PersonRow, visitor: Visitor): Promise<void> {
  const { member_tenant_id: tenant_id, member_id } = link
  if (tenant_id === null || member_id === null) throw noLink()
  const { role } = await moveMember(tx, tenant_id, member_id, { person_id: person.id, state: 'active' })
  const actor = { ...asPerson(visitor, person.id), tenant_id }
  await audit(tx, actor, 'member.join', toWire('member', member_id), { role })
}

async function resetPassword(app: App, visitor: Visitor, { link, hash, input }: Use): Promise<Opened> {
  const { person_id } = link
  const known = await inTenant(app.db, INSTALLATION, (tx) => findPerson(tx, person_id ?? INSTALLATION))
  if (!known) throw noLink()
  if (known.email !== input.email) throw anotherEmail()
  const asks_code = known.totp_since !== null && !link.drops_totp
  if (asks_code && input.code === undefined) throw codeMissing()
  const attempt = { email: known.email, ip: visitor.ip }
  if (asks_code) {
    await takeAttempt(app, attempt)
    await takeCodeAttempt(app, known.id) // a link is no way to try all the codes
  }
  const password = await hashPassword(app, input.password)
  return inTenant(app.db, INSTALLATION, async (tx) => {
    await take(app, tx, hash)
    if (asks_code && !(await takeCode(app, tx, { visitor, person_id: known.id, code: input.code ?? '' })))
      throw refused(app)
    await forgive(tx, attempt)
    const { name, language } = input
    const change = {
      name,
      language,
      password,
      ...(link.drops_totp && { totp_since: null, recovery_codes: [] }),
    }
    const person = await movePerson(tx, known.id, change)
    if (person.state === 'suspended') throw suspended()
    if (link.drops_totp) await app.vault.drop(tx, totpRef(known.id))
    await endSessionsOf(tx, known.id, null)
    await deleteLinksOf(tx, { person_id: known.id })
    await audit(tx, asPerson(visitor, known.id), 'person.password', toWire('person', known.id), {
      by: 'link',
    })
    await markSignedIn(tx, person, app.clock.now())
    return openSession(app, tx, person, visitor)
  })
}

async function take(app: App, tx: Tx, hash: Buffer): Promise<void> {
  if (!(await takeLink(tx, hash, app.clock.now()))) throw noLink()
}

const noLink = (): Problem =>
  new Problem('not_found', {
    field: 'token',
    detail: 'This link was used, is older than a day, or never was one. Ask for another.',
  })

const anotherEmail = (): Problem =>
  new Problem('invalid_request', {
    field: 'email',
    detail: 'The link was made for another e-mail. Give the one it was made for.',
  })
