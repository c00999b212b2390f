import { publicAddress } from '../../platform/config.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { hasAdministrator } from './member_queries.ts'
import { deleteLinksOf, findPersonByEmail, insertLink, type LinkRow, lockFirst } from './queries.ts'
import { hashToken, makeToken } from './secrets.ts'
import { toEmail } from './sign_in.ts'

const LIFETIME_MS = 24 * 3_600_000

type For = Partial<Pick<LinkRow, 'member_tenant_id' | 'member_id' | 'person_id' | 'drops_totp'>>

/** The address of the dashboard's page of welcome, with a token that is kept only as a hash and holds for a day. */
export async function makeLink(app: App, tx: Tx, kind: LinkRow['kind'], what: For = {}): Promise<string> {
  const token = makeToken()
  const expires_at = new Date(app.clock.now().getTime() + LIFETIME_MS)
  await insertLink(tx, { kind, token_hash: hashToken(token), expires_at, ...what })
  return `${publicAddress(app.config)}/#/welcome?token=${token}`
}

/**
 * The link by which the first administrator signs up, in place of any before it; null where one has signed up. Asked
 * for at each start, so that it is only ever in the latest log.
 */
export const firstLink = (app: App): Promise<string | null> =>
  inTenant(app.db, INSTALLATION, async (tx) => {
    await lockFirst(tx) // several processes may start at once
    if (await hasAdministrator(tx)) return null
    await deleteLinksOf(tx, { kind: 'first' })
    return makeLink(app, tx, 'first')
  })

/**
 * For who holds the machine: a link by which somebody sets a new password. With `drops_totp` it ends the second factor
 * too, for a phone that was lost; else it wants a code. Throws 404 where nobody has the e-mail,
 * 409 where who has it is suspended.
 */
export const resetLink = (
  app: App,
  actor: Actor,
  { email, drops_totp }: { email: string; drops_totp: boolean },
): Promise<string> =>
  inTenant(app.db, INSTALLATION, async (tx) => {
    const person = await findPersonByEmail(tx, toEmail(email))
    if (!person) throw new Problem('not_found', { detail: `Nobody has signed up as ${email}.` })
    if (person.state === 'suspended')
      throw new Problem('conflict', { detail: `${person.email} is suspended. Restore the person first.` })
    await deleteLinksOf(tx, { person_id: person.id })
    const target = toWire('person', person.id)
    await audit(tx, { ...actor, tenant_id: INSTALLATION }, 'person.link', target, { drops_totp })
    return makeLink(app, tx, 'reset', { person_id: person.id, drops_totp })
  })
