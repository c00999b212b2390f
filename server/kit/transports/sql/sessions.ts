import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Egress } from '../../../platform/egress/egress.ts'
import type { Dial, Engine, Place, Session } from './engine.ts'

/** Sessions with databases that nobody uses at the moment, by place and login. */
type Idle = { session: Session; timer: NodeJS.Timeout }

const idle = new WeakMap<Egress, Map<string, Idle[]>>()

const IDLE_MS = 30_000
const MOST_IDLE = 8

/** Past `signal` nobody waits for it any more: nothing is run then, and what is being opened is ended. */
export type Opening = {
  egress: Egress
  engine: Engine
  place: Place
  timeout_ms: number
  signal: AbortSignal
}
export type Lease = { session: Session; fresh: boolean; giveBack(): void }

/** Throws what went wrong, a `Connected` of kind `error` among it. */
export async function lease(opening: Opening): Promise<Lease> {
  opening.signal.throwIfAborted()
  const list = listOf(opening)
  const known = list.pop()
  if (known) {
    clearTimeout(known.timer)
    known.session.hold(true)
    return leased(known.session, list, false)
  }
  return leased(await open(opening), list, true)
}

/** Where an idle one was found ended: the others of its place are as old, so a new one it is. */
export function leaseNew(opening: Opening): Promise<Lease> {
  for (const { session, timer } of listOf(opening).splice(0)) {
    clearTimeout(timer)
    session.destroy()
  }
  return lease(opening)
}

async function open({ egress, engine, place, timeout_ms, signal }: Opening): Promise<Session> {
  const sockets: Socket[] = []
  const dial: Dial = async ({ host, port }) => {
    signal.throwIfAborted()
    const connected = await egress.connect({ host, port, timeout_ms })
    if (connected.kind === 'error') throw connected
    sockets.push(connected.socket)
    if (signal.aborted) end()
    return connected.socket
  }
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  signal.addEventListener('abort', end, { once: true })
  try {
    const session = await engine.open(dial, place)
    signal.throwIfAborted()
    return session
  } catch (error) {
    end()
    throw error
  } finally {
    signal.removeEventListener('abort', end)
  }
}

const leased = (session: Session, list: Idle[], fresh: boolean): Lease => ({
  session,
  fresh,
  giveBack: () => {
    if (list.length >= MOST_IDLE) {
      session.destroy()
      return
    }
    session.hold(false)
    const one: Idle = {
      session,
      timer: setTimeout(() => {
        list.splice(list.indexOf(one), 1)
        session.destroy()
      }, IDLE_MS).unref(),
    }
    list.push(one)
  },
})

function listOf({ egress, place }: Opening): Idle[] {
  const places = idle.get(egress) ?? new Map<string, Idle[]>()
  idle.set(egress, places)
  const key = createHash('sha256').update(JSON.stringify(place)).digest('base64')
  const list = places.get(key) ?? []
  places.set(key, list)
  return list
}
