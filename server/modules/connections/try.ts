import type { Static } from 'typebox'
import { once } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import type { TestReport } from './schema.ts'

type Found = Static<typeof TestReport>
type Try = (actor: Actor, wire_id: string) => Promise<Found>

const tries = once((_app: App): { by: Try | null } => ({ by: null }))

/** Calls are made by a room above this one, which says here how a connection is tried. */
export const tryBy = (app: App, by: Try): void => void Object.assign(tries(app), { by })

/** With what trying it found; null where it could not be tried. It is made however that goes. */
export async function andTried<Made extends { id: string }>(app: App, actor: Actor, made: Made) {
  const found = tries(app).by?.(actor, made.id)
  const test = await found?.catch((err: unknown) =>
    app.log.warn({ connection: made.id, err }, 'a new connection was not tried'),
  )
  return { ...made, test: test ?? null }
}
