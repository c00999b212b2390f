import { createHash } from 'node:crypto'
import type { Egress } from '../../platform/egress/egress.ts'
import type { Destination, Opening, Session } from './session.ts'

/**
 * One session per server and credentials, shared by all who publish there. One in which somebody waited in vain takes
 * nobody new, and ends with the last who are still in it.
 */
type Kept = { session: Promise<Session>; busy: number; timer: NodeJS.Timeout | undefined }

const kept = new WeakMap<Egress, Map<string, Kept>>()

const IDLE_MS = 30_000

/** Throws what opening threw, or what `work` threw. */
export async function inSession<T>(
  opening: Opening,
  destination: Destination,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const sessions = kept.get(opening.egress) ?? new Map<string, Kept>()
  kept.set(opening.egress, sessions)
  const key = keyOf(destination, opening)
  const one = sessions.get(key) ?? begin(sessions, key, destination.open(opening))
  const drop = () => sessions.get(key) === one && sessions.delete(key)
  one.busy += 1
  clearTimeout(one.timer)
  try {
    const session = await one.session
    session.hold(true)
    return await work(session)
  } catch (error) {
    drop()
    throw error
  } finally {
    one.busy -= 1
    if (one.busy === 0) rest(one, sessions.get(key) === one ? drop : null)
  }
}

function begin(sessions: Map<string, Kept>, key: string, session: Promise<Session>): Kept {
  const one: Kept = { session, busy: 0, timer: undefined }
  sessions.set(key, one)
  session
    .then(({ ended }) => ended)
    .catch(() => {}) // whoever asked for it hears of it
    .finally(() => sessions.get(key) === one && sessions.delete(key))
  return one
}

/** With nobody in it: ended now, or when nobody came for a while. */
function rest(one: Kept, drop: (() => void) | null): void {
  const end = () => one.session.then((session) => session.end()).catch(() => {})
  if (!drop) return void end()
  one.session.then((session) => session.hold(one.busy > 0)).catch(() => {})
  one.timer = setTimeout(() => {
    drop()
    end()
  }, IDLE_MS).unref()
}

const keyOf = ({ server }: Destination, { auth }: Opening): string =>
  createHash('sha256')
    .update(JSON.stringify([server, auth]))
    .digest('base64')
