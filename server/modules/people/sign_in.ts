import type { FastifyRequest } from 'fastify'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { forgive, forgiveCodes, takeAttempt, takeCodeAttempt, undoAttempt } from './attempts.ts'
import { isPassword } from './passwords.ts'
import { findPersonByEmail, markSignedIn, type PersonRow, takeRecoveryCode, takeTotpStep } from './queries.ts'
import { hashRecoveryCode, isRecoveryCode } from './recovery.ts'
import type { SignIn } from './schema.ts'
import { asPerson, type Opened, openSession } from './sessions.ts'
import { totpStep } from './totp.ts'

/** Who comes, before it is known who it is. */
export type Visitor = Actor & { agent: string | null }

export const visitorOf = ({ actor, headers }: FastifyRequest): Visitor => ({
  ...actor,
  agent: headers['user-agent']?.slice(0, 300) ?? null,
})

export const toEmail = (text: string): string => text.trim().toLowerCase()

/**
 * Opens a session for who proves an e-mail by its password, and by a code where there is a second factor. Throws 401,
 * the same for an e-mail nobody has and a wrong password and after the same time, `totp_required` where only the code
 * is missing, 403 where all is right and the person is suspended, and 429 after too many failures.
 */
export async function signIn(app: App, visitor: Visitor, input: SignIn): Promise<Opened> {
  const attempt = { email: toEmail(input.email), ip: visitor.ip }
  const person = await prove(app, visitor, { ...input, email: attempt.email })
  return inTenant(app.db, INSTALLATION, async (tx) => {
    await forgive(tx, attempt)
    if (!(await markSignedIn(tx, person, app.clock.now()))) throw refused(app)
    return openSession(app, tx, person, visitor)
  })
}

/** The person who knows the password and has the code; the attempt counts as failed until it is forgiven. */
export async function prove(app: App, visitor: Visitor, input: SignIn): Promise<PersonRow> {
  const person = await know(app, visitor, input)
  if (person.state === 'suspended') throw suspended() // said to nobody else
  return person
}

async function know(app: App, visitor: Visitor, { email, password, code }: SignIn): Promise<PersonRow> {
  const attempt = { email, ip: visitor.ip }
  await takeAttempt(app, attempt)
  const person = await inTenant(app.db, INSTALLATION, (tx) => findPersonByEmail(tx, email))
  const is_right = await isPassword(app, password, person?.password ?? null)
  if (!person || !is_right) throw refused(app)
  if (person.totp_since === null) return person
  if (code === undefined) {
    await undoAttempt(app, attempt)
    throw codeMissing()
  }
  await takeCodeAttempt(app, person.id)
  const take = (tx: Tx) => takeCode(app, tx, { visitor, person_id: person.id, code })
  if (await inTenant(app.db, INSTALLATION, take)) return person
  throw refused(app)
}

type Given = { visitor: Visitor; person_id: string; code: string }

/**
 * Whether it is a code of now, or one kept for a lost phone, that was not used yet; it is used by that, and failures
 * before it are forgiven.
 */
export async function takeCode(app: App, tx: Tx, given: Given): Promise<boolean> {
  const is_taken = isRecoveryCode(given.code) ? await takeKept(tx, given) : await takeOfNow(app, tx, given)
  if (is_taken) await forgiveCodes(tx, given.person_id)
  return is_taken
}

async function takeKept(tx: Tx, { visitor, person_id, code }: Given): Promise<boolean> {
  const left = await takeRecoveryCode(tx, person_id, hashRecoveryCode(code))
  if (left === null) return false
  const by = asPerson(visitor, person_id)
  await audit(tx, by, 'person.recovery_code_used', toWire('person', person_id), { left })
  return true
}

async function takeOfNow(app: App, tx: Tx, { person_id, code }: Given): Promise<boolean> {
  const secret = await app.vault.get(tx, totpRef(person_id))
  const step = secret === null ? null : totpStep(secret, code, app.clock.now())
  return step !== null && (await takeTotpStep(tx, person_id, step))
}

/** In the vault from the moment it is begun; it counts once `totp_since` says so. */
export const totpRef = (person_id: string) => ({
  tenant_id: INSTALLATION,
  owner_id: person_id,
  field: 'totp',
})

const CHALLENGE = { 'www-authenticate': 'Session realm="trilho"' }

export const codeMissing = (): Problem =>
  new Problem('totp_required', {
    field: 'code',
    detail: 'The password is right. Send the code of your authenticator app as well.',
    headers: CHALLENGE,
  })

export const suspended = (): Problem =>
  new Problem('forbidden', { detail: 'Your account is suspended. Ask an administrator to restore it.' })

export function refused(app: App): Problem {
  app.telemetry.count('trilho_security_events_total', { kind: 'bad_password' })
  const detail = 'E-mail, password or code is wrong, or the code was used before. Check them and try again.'
  return new Problem('unauthenticated', { detail, headers: CHALLENGE })
}
