import { type Actor, INSTALLATION } from '../modules/app.ts'
import { firstLink, resetLink } from '../modules/people/people.ts'
import { Problem } from '../platform/errors.ts'
import { withLocalApp } from './local.ts'
import { EXIT, failure } from './output.ts'

const ACTOR: Actor = {
  kind: 'system',
  id: 'cli',
  tenant_id: INSTALLATION,
  environment: 'live',
  scopes: ['admin'],
  ip: null,
  request_id: null,
}

/** A one-time link made in the database of this machine. */
export const link = ({ email, dropTotp }: { email?: string; dropTotp?: true }): Promise<{ link: string }> =>
  withLocalApp(async (app) => {
    try {
      const made =
        email === undefined
          ? await firstLink(app)
          : await resetLink(app, ACTOR, { email, drops_totp: dropTotp === true })
      if (made !== null) return { link: made }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw failure(EXIT.refused, `${error.message} (${error.code})`, { code: error.code })
    }
    throw failure(
      EXIT.usage,
      'Somebody administers this installation. Invitations are made in the dashboard; for a forgotten password name whose with --email.',
    )
  })
