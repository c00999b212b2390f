import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION, type SignedIn } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { forgive, takeAttempt } from './attempts.ts'
import { hashPassword, isPassword } from './passwords.ts'
import { findPerson, lockPerson, movePerson, type PersonRow } from './queries.ts'
import { hashRecoveryCode, makeRecoveryCodes } from './recovery.ts'
import type { Person, ProfileChange, Totp, TotpAct } from './schema.ts'
import { asPerson, endSessionsOf, toPerson } from './sessions.ts'
import { totpRef } from './sign_in.ts'
import { makeTotpSecret, totpStep, totpUri } from './totp.ts'

/** The person's own name, language and password. A new password wants the old one and ends the other sessions. */
export async function updateProfile(
  app: App,
  actor: Actor,
  { id, person_id }: SignedIn,
  { old_password, password, ...change }: ProfileChange,
): Promise<Person> {
  const known = await self(app, person_id)
  if (password !== undefined) await checkPassword(app, actor, known, old_password, 'old_password')
  const hash = password === undefined ? null : await hashPassword(app, password)
  const by = asPerson(actor, person_id)
  return inTenant(app.db, INSTALLATION, async (tx) => {
    await lockAsKnown(tx, known)
    const person = await movePerson(tx, person_id, { ...change, ...(hash !== null && { password: hash }) })
    if (hash !== null) {
      await endSessionsOf(tx, person_id, id)
      await audit(tx, by, 'person.password', toWire('person', person_id))
    }
    if (Object.keys(change).length > 0)
      await audit(tx, by, 'person.update', toWire('person', person_id), change)
    return toPerson(person)
  })
}

/**
 * The second factor, in two steps: `begin` gives the secret, `confirm` takes a code of it and only then asks for codes
 * at the door; it gives the recovery codes, which `renew_codes` replaces.
 */
export function changeTotp(app: App, actor: Actor, { person_id }: SignedIn, act: TotpAct): Promise<Totp> {
  const acts = { begin: beginTotp, confirm: confirmTotp, renew_codes: renewCodes, remove: removeTotp }
  return acts[act.action](app, actor, person_id, act)
}

const IT_IS_ON: Totp = { has_totp: true, secret: null, otpauth_uri: null, recovery_codes: null }
const IT_IS_OFF: Totp = { ...IT_IS_ON, has_totp: false }

async function beginTotp(app: App, actor: Actor, person_id: string, { password }: TotpAct): Promise<Totp> {
  const known = await self(app, person_id)
  if (known.password === null) {
    const detail =
      'You sign in by your company, and the second factor is the one it asks for. Codes of ours go with a password.'
    throw new Problem('conflict', { detail })
  }
  await checkPassword(app, actor, known, password, 'password')
  const secret = makeTotpSecret()
  await inTenant(app.db, INSTALLATION, async (tx) => {
    const { totp_since } = await lockAsKnown(tx, known) // who confirms meanwhile keeps the secret they confirm
    if (totp_since) throw new Problem('conflict', { detail: 'There is a second factor. Remove it first.' })
    await app.vault.put(tx, totpRef(person_id), secret)
  })
  return { ...IT_IS_OFF, secret, otpauth_uri: totpUri(secret, known.email) }
}

async function confirmTotp(app: App, actor: Actor, person_id: string, { code }: TotpAct): Promise<Totp> {
  const now = app.clock.now()
  return inTenant(app.db, INSTALLATION, async (tx) => {
    const person = await lockPerson(tx, person_id)
    const secret = person?.totp_since ? null : await app.vault.get(tx, totpRef(person_id))
    if (secret === null)
      throw new Problem('conflict', { detail: 'No second factor was begun. Send action begin first.' })
    const step = code === undefined ? null : totpStep(secret, code, now)
    if (step === null) {
      const detail = 'This is no code of now. Look at the app and at the clock of its phone.'
      throw new Problem('invalid_request', { field: 'code', detail })
    }
    const { codes, recovery_codes } = freshCodes()
    await movePerson(tx, person_id, { totp_since: now, totp_step: step, recovery_codes })
    await audit(tx, asPerson(actor, person_id), 'person.totp_on', toWire('person', person_id))
    return { ...IT_IS_ON, recovery_codes: codes }
  })
}

/** As they are shown, and as they are kept. */
function freshCodes(): { codes: string[]; recovery_codes: Buffer[] } {
  const codes = makeRecoveryCodes()
  return { codes, recovery_codes: codes.map(hashRecoveryCode) }
}

async function renewCodes(app: App, actor: Actor, person_id: string, { password }: TotpAct): Promise<Totp> {
  const known = await self(app, person_id)
  await checkPassword(app, actor, known, password, 'password')
  const { codes, recovery_codes } = freshCodes()
  return inTenant(app.db, INSTALLATION, async (tx) => {
    const { totp_since } = await lockAsKnown(tx, known)
    if (!totp_since)
      throw new Problem('conflict', { detail: 'There is no second factor. Send action begin first.' })
    await movePerson(tx, person_id, { recovery_codes })
    await audit(tx, asPerson(actor, person_id), 'person.recovery_codes_new', toWire('person', person_id))
    return { ...IT_IS_ON, recovery_codes: codes }
  })
}

async function removeTotp(app: App, actor: Actor, person_id: string, { password }: TotpAct): Promise<Totp> {
  const known = await self(app, person_id)
  await checkPassword(app, actor, known, password, 'password')
  return inTenant(app.db, INSTALLATION, async (tx) => {
    await lockAsKnown(tx, known)
    await movePerson(tx, person_id, { totp_since: null, recovery_codes: [] })
    await app.vault.drop(tx, totpRef(person_id))
    await audit(tx, asPerson(actor, person_id), 'person.totp_off', toWire('person', person_id))
    return IT_IS_OFF
  })
}

async function self(app: App, person_id: string): Promise<PersonRow> {
  const person = await inTenant(app.db, INSTALLATION, (tx) => findPerson(tx, person_id))
  if (!person) throw new Problem('not_found', { detail: 'You were removed. Ask an administrator.' })
  return person
}

/** What was proven holds still: nobody set another password, and no company vouched for another, since it was asked. */
async function lockAsKnown(tx: Tx, { id, password }: PersonRow): Promise<PersonRow> {
  const person = await lockPerson(tx, id)
  if (person?.password === password) return person
  throw new Problem('conflict', { detail: 'Your password was changed just now. Sign in again.' })
}

/** Whoever finds a browser open is no nearer to the password: failures count as at the door. */
async function checkPassword(
  app: App,
  { ip }: Actor,
  { email, password }: PersonRow,
  given: string | undefined,
  field: string,
): Promise<void> {
  const attempt = { email, ip }
  if (given === undefined)
    throw new Problem('invalid_request', { field, detail: `${field} is missing: this needs your password.` })
  await takeAttempt(app, attempt)
  if (!(await isPassword(app, given, password)))
    throw new Problem('forbidden', { field, detail: 'This is not your password.' })
  await inTenant(app.db, INSTALLATION, (tx) => forgive(tx, attempt))
}
